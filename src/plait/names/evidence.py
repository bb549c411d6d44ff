"""Phrases that speak for a type of session, each group with its weight.

A line is a weight and regular expressions, case ignored, joined by `|`; a line that begins with `|` goes on with the group above. English
phrases begin and end with a word; those of the other languages of Europe in Latin letters begin with one, for their endings vary; in
scripts that put no blanks between words, or much at their ends, a phrase may stand anywhere.
"""

from __future__ import annotations

from plait.core.events import Kind

ENGLISH: dict[Kind, str] = {
    "debug": r"""
        4.0 (?:do|does|did|is|was|are)(?:n't| not|nt) (?:even |really |seem to )?(?:work|start|load|compil|run|build|connect|show)\w*
        4.0 (?:stopped|not|quit) (?:working|responding)|(?:no longer|never) works?|broke(?:n)?\b|not found|out of (?:memory|sync)
        4.0 traceback|stack ?trace|seg(?:mentation )?fault\w*|core dump\w*|panick?\w*|crash\w*|deadlock\w*|oom\w*|memory leaks?
        3.0 why (?:does|do|did|is|are|am|was|would|won't|can't|doesn't|isn't)\b|what(?:'?s| is)(?: going)? (?:wrong|on\b)|what causes?
        3.0 fail(?:s|ed|ing|ure|ures)?|errors?|exceptions?|bugs?|debug\w*|hangs?|hanging|stuck|freez\w*|flaky|regression
            |troubleshoot\w*
        3.0 (?:takes?|took|taking) (?:forever|ages|\d+ ?(?:s|sec\w*|min\w*|h\w*))
        2.5 fix\w*|rejected|denied|refused|timed? ?outs?|can'?t|cannot|unable|won'?t|wrong|weird|strange|suddenly|too many
            |\w+(?:error|exception)
        2.0 slow\w*|[45]\d\d|infinite\w*|leak\w*|conflicts?|invalid|undefined|missing
        1.5 issues?|problems?|since (?:the|i|we|this|yesterday)|keeps? \w+ing|logs?|anymore|any more
            |works? (?:fine )?(?:locally|on my)|restart\w*
        """,
    "planning": r"""
        4.0 plan|plans|planning|road ?maps?|brainstorm\w*|trade-?offs?|pros and cons|milestones?|strateg\w+
        3.5 should (?:we|i) (?:use|go|adopt|move|switch|choose|pick|split|keep|store|build|start|do)|compar(?:e|ing|ison)
            |think(?:ing)? (?:through|about)
        3.0 architect\w*|design(?:ing)?|approach(?:es)?|decid\w+|decision|options|alternatives|worth|makes? sense|structure a
        2.0 vs\.?|versus|\w+ or \w+\s*(?:\?|$|for)|what would (?:you|be|a)|how (?:should|would|could) (?:we|i|you)|long[- ]term
            |consider\w*
        1.5 risks?|steps|order|scal(?:e|ing|able)|budget|requirements|scope|constraints|concept|we need to|ideas? (?:for|on|about)
        """,
    "code-review": r"""
        5.0 (?:code|peer|pr) ?-?reviews?|review\w*|critiqu\w*|look (?:it |this |that |them )?over
            |(?:look|go) (?:over|through) (?:my|this|the|our)
        4.0 pull requests?|merge requests?|prs?|mrs?|feedback|second (?:pair of eyes|opinion)|code smells?|nitpick\w*
            |before i (?:merge|push|ship|apply)
        3.5 (?:check|look at|inspect|audit) (?:my|this|the|our|that) (?:\w+ ){0,2}(?:code|function|class|diff|patch|changes?|module)
        3.0 (?:is|does|are) (?:this|it|that|these|my \w+)(?: \w+){0,2} (?:ok(?:ay)?|good|fine|right|correct|safe|idiomatic|clean|sane)\b
        3.0 what (?:would you|can i|could i|should i) (?:change|improve|do better)|idiomatic\w*|obvious mistakes
            |anything (?:wrong|off) (?:here|with)
        2.0 diffs?|readab\w+|best practices?|improvements?|code quality
        """,
    "development": r"""
        3.0 implement\w*|refactor\w*|add(?:ing)?|create|build(?:ing)? (?:me |a |an |the )|generate|set ?up|convert|port|migrate
            |scaffold|rewrite|automate
        2.5 write|make|deploy|develop\w*|extend|upgrade|rename|remove|replace|integrate|train|wire|cover|prettify|import
        2.0 how (?:do|can|to)(?: i| we)?|i (?:need|want|wanna|wana) (?:to |a |an |some )|give me|can (?:you|u) make|new feature
            |from scratch|unit tests
        1.0 script|function|component|page|button|endpoint|class|module|query|please|pls|using|in (?:python|rust|go|java|typescript)
        """,
}

EUROPEAN: dict[Kind, str] = {
    "debug": r"""
        4.0 fehler\w*|absturz|abstürzt|stürzt|hängt|funktioniert nicht|geht nicht|kaputt|warum|behebe\w*|beheben
        4.0 erreurs?|plante|plantage|ne (?:marche|fonctionne) pas|pourquoi|bogue|corrige[rz]?|échoue
        4.0 fall[ao]n?\b|no funciona|por ?qué|arregla\w*|erros?\b|não funciona|porque não|corrigir|errore|non funziona|perché
        4.0 błąd|nie działa|dlaczego|hata\b|çalışmıyor|neden\b
        4.0 fout(?:en|melding)?\b|werkt niet|waarom|feil\b|virker ikke|fel\b|fungerar inte
        """,
    "planning": r"""
        4.0 plan(?:e|en|ung|ieren|ifier|ificar|ejar|era|ering|legge)\b|architektur|entwurf|vergleich\w*|konzept|strategie|sollten wir
            |sollen wir
        4.0 concevoir|conception|comparer|feuille de route|devrions|devons-nous|arquitectura|arquitetura|diseñ\w+|comparar|deberíamos
            |progettare|architettura
        2.0 oder\b|faz sentido|vale a pena|tiene sentido|vale la pena|pasos\b|schritte\b|étapes\b
        """,
    "code-review": r"""
        5.0 anschauen|drüberschauen|durchsehen|begutachte\w*|rückmeldung|relire|relecture|relis|revis(?:a|ar|e|ão|ión)\b|rivedere
            |revisione
        4.0 naar mijn \w+ kijken|goed zo|gjennomgå|se over\b|granska|przejrzyj|sprawdź mój|mein(?:en)? code\b|mon code\b|mi código
            |meu código|mio codice
        """,
    "development": r"""
        3.0 schreib\w*|erstell\w*|implementier\w*|füge|hinzufügen|baue?n?\b|programmier\w*|écri[srtvez]+|crée[rz]?|ajoute[rz]?
            |implémente\w*|développe\w*
        3.0 escrib\w+|crea(?:r|me)?\b|implementa\w*|añad\w+|agrega\w*|desarroll\w+|escrev\w+|cri[ae]r?\b|adicion\w+|scriv\w+
            |aggiung\w+|napisz|dodaj|legge til|skriv|lägg till|schrijf|maak|yaz\w*|ekle
        """,
}

OTHERS: dict[Kind, str] = {
    "debug": r"""
        4.0 ошибк|почему|падает|не работает|не запускается|вылетает|исправ|помилк|чому|не працює
        4.0 为什么|為什麼|报错|错误|失败|崩溃|异常|修复|不工作|无法|丢失|調試|调试
            |エラー|動か|動作しない|原因|なぜ|バグ|落ち|失敗|修正|오류|에러|버그|왜|실패|안 ?됩니다|종료됩니다
        4.0 σφάλμα|γιατί|δεν (?:λειτουργεί|βρίσκει|δουλεύει)|خطأ|لماذا|لا يعمل|يتوقف|ข้อผิดพลาด|ทำไม|ไม่ทำงาน|त्रुटि
        """,
    "planning": r"""
        4.0 план|архитектур|спроектир|сравни|стоит ли|дорожн|что лучше|стратеги|架构|設計|设计|规划|方案|计划|計画|比較|比较
            |アーキテクチャ|ロードマップ|検討|설계|계획|비교|아키텍처
        2.0 还是|或者|それとも
        """,
    "code-review": r"""
        5.0 провер(?:ь|ьте|ить) (?:мой |этот |наш )?код|ревью|рецензи|посмотри(?:те)? (?:мой |этот )?код
            |审查|评审|審查|看看(?:我的|这段|这个)?代码|代码检查|检查一下|レビュー|리뷰|검토
        """,
    "development": r"""
        3.0 напиши|создай|добав|реализ|сделай|разработ|напиш|створи|додай|写一个|编写|实现|添加|创建|开发|帮我写
            |作成|実装|追加|書いて|作って|작성|구현|추가|만들|γράψε|φτιάξε|اكتب|أنشئ|أضف|เขียน|สร้าง|เพิ่ม|लिखो|बनाओ
        """,
}
