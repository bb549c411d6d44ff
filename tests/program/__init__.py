"""The real program, on a terminal or through pipes. What must never happen with many sessions, and the file in which a test tells:

| what must not happen | told in |
|---|---|
| an answer of a session that is not shown is lost, comes twice, or comes to another one | `test_story`, `test_switching` |
| what works in the background stops when the shown session speaks, a shell command runs, or the editor is open | `test_work`, `test_gate` |
| not all sessions come back, or one comes back as working after a crash; text of a broken answer is lost | `test_return`, `test_restart` |
| a setting or a flag that nobody reads | `test_promises`, `test_single` |
| the prompt names another session than the one that is shown; a rename is not seen everywhere | `test_story`, `test_names` |
| a name that looks like a number, an option or a command means something else | `test_names` |
| more is shown again than the buffer holds, or it is not said what is missing | `test_promises` |
| `/close` without a name fails, or goes to any session but the one used last | `test_promises` |
| more calls at once than the gate lets through; a session hangs after a rate limit, an error or a stop | `test_gate`, `test_work` |
| settings of one session hold in another; times that are not true | `test_promises` |
| a line that was begun before a question answers it | `test_promises`, `test_trust` |
| the start fails without a key; output on the terminal that is not plait's | `test_errors`, `test_hostile` |
| a prompt that holds up output, or output that holds up typing | `test_conversation` |
| rows that stay behind when the width changes | `test_resize`, `test_indicator` |
| an escape sequence where text is linear | `test_linear`, `test_plain` |
"""
