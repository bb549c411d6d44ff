"""Words of the trade: those that say what work is about, those that say what is done, and those that say little.

A technical term counts as one even where some language has it as a stop word ("auth", "html", "index" are in lists of stop words).
"""

from __future__ import annotations


def words_in(text: str) -> frozenset[str]:
    """The words of a text that has blanks between them."""
    return frozenset(text.split())


# Languages, tools, products, protocols, formats, parts of programs. Lower case, spelled as a name would have them.
TERMS = words_in(
    """
    ada apl bash c89 c99 clojure cobol cpp crystal csharp css cuda dart delphi elixir elm erlang fortran fsharp golang graphql groovy
    haskell hcl html java javascript jquery json jsonl julia kotlin latex lisp lua makefile markdown matlab nim nix objectivec
    ocaml opencl pascal perl php plsql postscript powershell prolog protobuf python qml rescript ruby rust sass scala scheme scss
    shell smalltalk solidity sql svg swift swiftui tcl toml tsx jsx typescript vala vba vbnet verilog vhdl vimscript wasm webassembly
    xaml xml xpath xslt yaml zig zsh fish

    actix aiohttp airflow alpinejs android angular angularjs ansible antd apollo arduino aspnet astro asyncio axios axum backbone bazel
    beautifulsoup blazor bootstrap bottle bun cakephp cargo celery chakra chartjs click cmake codeigniter compose composer conan conda
    cordova cypress d3js dagster dask deno django dotnet drupal electron emberjs esbuild eslint expo express expressjs fabric fastapi
    fastify ffmpeg flask flink flutter gatsby gin godot gradle graphene gulp hadoop handlebars helm hibernate htmx hugo ios ionic jekyll
    jenkins jest jetpack jinja joomla jpa junit jupyter jvm keras knex koa ktor kubectl langchain laravel leaflet lerna liquibase
    llvm lodash logstash magento matplotlib maven mlflow mocha mongoose mypy nestjs nextjs nginx nodejs npm nuget numpy nuxt nuxtjs nx
    opencv openapi openssl pandas phoenix phpunit pinia pip pipenv playwright pnpm poetry polars pool prettier prisma puppet puppeteer
    pydantic pygame pyenv pyspark pytest pytorch qt quarkus rails react reactjs redux remix rollup ruff rxjs sanic scipy scrapy seaborn
    selenium sequelize serde shadcn sinatra socketio solidjs spacy spark spring sqlalchemy storybook streamlit svelte sveltekit swagger
    symfony tailwind tauri tensorflow terraform threejs tokio tornado trpc turborepo typeorm unity unreal uvicorn vagrant vite vitest
    vue vuejs vuetify vuex webpack winforms wordpress wpf xamarin xcode yarn zod zustand

    activemq aerospike aurora bigquery cassandra clickhouse cockroachdb couchbase couchdb dbt debezium duckdb dynamodb elastic
    elasticsearch etcd firebase firestore flyway gorm h2 hbase hive influxdb kafka kibana mariadb memcached milvus mongo mongodb mssql
    mysql neo4j opensearch oracle orm parquet pgbouncer pgvector postgis postgres postgresql psycopg psycopg2 pulsar rabbitmq redis
    redshift rocksdb snowflake solr sqlite sqlserver sqs sns supabase timescaledb trino

    acl alerting alpine amqp apache apk apt arch argocd arm64 aws azure bitbucket bluetooth brew bsd caddy calico cdn centos ceph
    certbot certificate chef chrome chromium cicd circleci cilium cloudflare cloudformation cloudfront cloudwatch cluster codegen
    consul container containerd cpu cron cronjob crontab curl datadog debian deployment dhcp dig digitalocean dns docker dockerfile
    ec2 ecs edge efs eks elb envoy fargate fedora firefox firewall gcp gce gitea github gitlab gke gpu grafana grpc gzip haproxy heroku
    hetzner homebrew http http2 http3 https iam icmp iis imap influx ingress ipv4 ipv6 istio k3s k8s kernel keycloak kubernetes kvm
    lambda ldap linode linux linkerd loki macos metrics minikube minio monitoring mqtt mtls nas netlify nfs nomad nvidia observability
    okta openshift opentelemetry otel packer pagerduty pgp podman pods pod prometheus proxmox proxy pulumi qemu quic raid raspberry
    rds registry rhel route53 s3 safari saml samba selinux sentry serverless sftp sidecar smtp snmp splunk squid ssh ssl sso
    storage subnet sudo systemd tcp tcpip telegram telegraf tls tmux tomcat traefik ubuntu udp unix vault vercel vim neovim
    emacs vscode vlan vm
    vmware volume vpc vpn vps webhook webhooks webrtc websocket websockets wifi windows wireguard wsl xampp yum zabbix zfs zigbee
    zookeeper ble usb gpio i2c spi uart esp32 esp8266 stm32 firmware fpga microcontroller rtos

    abi accessibility adapter aes ajax algorithm analytics annotation api apis architecture archive argparse array ast async atomic
    auth authentication authn authorization authz autocomplete autoscaling avro awk backend backoff backpressure backup backups
    bandwidth base64 batch benchmark bigint binary bitmap blob blockchain boolean bot branch breadcrumb breakpoint broker browser
    buffer bundle bundler bytecode cache caching callback canvas captcha cart celery changelog chart chat chatbot checkbox checkout
    checksum ci classifier cli client clipboard cloud codebase codec column commit commits compiler component components
    compression concurrency config configuration connection connections constraint controller cookie cookies coroutine cors coverage
    cqrs crawler credentials crud csp csrf csv cursor daemon dashboard database databases dataclass dataframe dataset datetime db ddl
    deadlock debounce debugger decorator deduplication dependency dependencies dependency deserialization directive
    dispatcher dom dropdown dto elf email emails embedding embeddings emulator encoding encryption endpoint endpoints entity enum
    environment epoll etl event events excel extension favicon fetch fibonacci filesystem filter fixture fixtures flag
    flags float font footer foreign form forms formatter frontend fsm ftp fuzzing garbage gateway generator generics geojson git
    gitops gql graph grid gui hash hashmap hdmi header headers heap heatmap histogram hook hooks hotkey i18n icon iframe image images
    imap index indexes indexing inference inheritance input integration interface internationalization interpreter intl inventory
    invoice ipc iterator iterators jar jdbc jdk jit job jobs join joins jsonb jwt kanban kernel keyboard lambda latency layer layout
    lexer library lint linter linting linker lint llm llms load loadbalancer localization localstorage lock locking locks log logger
    logging login logout logs loop lora lru malloc mapping matrix memory menu merge metadata microfrontend microservice
    microservices middleware
    migration migrations mobile modal model module modules monolith monorepo multithreading multitenant mutex namespace navbar
    navigation network neural notification notifications null numpad oauth oauth2 object observer ocr offline oidc order oled onboarding
    openai opengl optimizer orders package packages pagination panic parser parsing password passwords patch payment payments payload
    pdf peer performance permission permissions persistence pipeline pipelines pixel player plugin plugins pointer pointers polling
    polymorphism popup port ports pos presigned preview printer privacy process profiler profiling progress promise prompt
    prototype pubsub push qr quadtree query queries queue queues race rag ram rate ratelimit ratelimiter rbac reactivity
    realtime
    rebase recursion reducer redirect redirects refactoring reflection refresh regex regexp release rendering repl replica
    replication repo repository resolver rest restore retry retries reverse rls rng roadmap rollback
    rollout router routes routing rpc rss runtime sandbox scheduler schema schemas scraper scraping screenshot script scripts scroll
    sdk search security seeding segfault semaphore semver serializer serialization server servers service services session sessions
    setstate sharding shader sidebar signal signup simd singleton slack slider snapshot socket sockets sorting spellcheck
    spreadsheet sprite
    sse ssr stack stacktrace state static stream streaming streams string strings stripe paypal struct stylesheet subdomain
    subprocess subscription subscriptions subquery supervisor sync synchronization syntax table tables tabs telemetry template
    templates tenant tenants terminal test testing tests theme thread threading threads throttle throttling thumbnail timeout
    timeouts timestamp timezone timezones token tokens tokenizer toolbar tooltip tracing traffic transaction transactions transformer
    translation traversal tree trigger triggers trie tuple types typing ui unicode unit upload uploads upsert url urls useeffect
    usestate usememo utf8 uuid ux validation validator validators vat vector vectors versioning video viewport virtualenv venv
    warehouse watchdog webapp webcam webgl webview whitelist widget widgets window worker workers workflow workspace workspaces wrapper
    x86 zip nullpointer nullpointerexception typeerror keyerror valueerror importerror
    attributeerror indexerror enoent sigsegv unwrap backtrace utf8mb4 neo4j sha256 sha1 md5 log4j x86_64

    архитектура аутентификация бэкенд база данных деплой запрос запросы индекс интерфейс кэш кластер компонент контейнер логов логи
    миграция модуль парсер пользователь приложение сервер скрипт схема таблица тест тесты токен фронтенд экспорт
    datenbank anmeldung schnittstelle skript speicher datei dateien abfrage migration formular
    base données formulaire connexion requête serveur schéma
    consulta servidor formulario memoria migración esquema
    数据库 集群 接口 组件 架构 微服务 缓存 爬虫 前端 后端 服务器 线程 内存 消息队列 登录 部署 容器 索引 算法 数据 订单 权限 性能
    日志 单元测试 测试 用户 上传 下载 时间 后台 中间件 上下文 内存泄漏 前后端
    認証 移行 設計 非同期処理 非同期 データベース サーバー ビルド デプロイ テスト キャッシュ ログイン セッション ユーザー
    コンポーネント クエリ メモリ
    데이터베이스 서버 로그인 안드로이드 로그 캐시 쿼리 배포 테스트 파일 컴포넌트
    """
)

# What is done; one of them makes a name readable ("fix-auth-token").
VERBS = words_in(
    """
    fix debug refactor review deploy migrate optimize optimise upgrade rename convert port design plan compare integrate validate
    configure document benchmark rewrite split merge rebase import export translate schedule monitor scrape encrypt decrypt publish
    rollback backup sync lint cleanup simplify extract replace investigate prototype automate
    """
)

# They are in every second message and tell conversations apart badly.
WEAK = words_in(
    """
    app apps application applications code codes function functions method methods file files folder project projects program software
    system systems user users error errors bug bugs issue issues problem problems question feature features line lines data value values
    variable list thing task tasks part parts way case cases result
    output example name names company time day days week weeks build builds diff class pr prs
    month months year years minute minutes hour hours second seconds morning yesterday today tomorrow exception traceback crash crashes
    developers developer devs dev public private main change changes
    implementation option options approach approaches requirement requirements building block blocks piece pieces step steps
    fehler problem projekt anwendung funktion nutzer benutzer aufgabe erreur problème fichier projet fonction utilisateur application
    error problema archivo proyecto función aplicación usuario código código ошибка ошибкой ошибку проблема код файл проект
    приложение приложении функция функцию erro problema arquivo projeto função aplicativo código errore progetto funzione
    代码 错误 问题 项目 函数 功能 程序 系统 文件 コード エラー 問題 関数 ファイル プロジェクト 原因 오류 코드 함수 프로그램
    """
)

# Prepositions and particles are not enough to know a stop word by: these say hello, thank, ask, hedge, or judge, in many languages.
CHATTER = words_in(
    """
    hi hello hey heya hiya howdy yo sup greetings dear morning afternoon evening night thanks thank thx ty tnx cheers please pls
    plz kindly
    sorry ok okay okey kk yes yeah yep yup no nope nah lol haha hmm hm uh um oh wow btw fyi imo imho asap afaik idk tbh ps wanna wana
    gonna gotta dunno cuz coz bc dont doesnt cant wont isnt didnt im ive id u ur r help need needs needed want wants wanted like liked
    try tries tried trying know knows think thinking thought look looking looks see seems seem say says tell give gives show make makes
    making made get gets getting got let lets keep keeps kept use uses used using work works worked working run runs running ran happen
    happens happened happening start starts started begin come comes going goes went gone put take takes taking took find found
    ask asking
    idea ideas stuff something anything everything nothing somebody anyone everyone someone somehow somewhere suddenly basically
    actually really honestly maybe perhaps probably mostly mainly especially currently still already just only even ever never always
    again anymore sometimes often right wrong good better best bad worse worst nice great cool fine sure safe weird strange odd simple
    easy hard difficult clean proper properly correct correctly reasonable honest obvious useful small smaller tiny big bigger
    large huge little new old whole entire several different various similar same possible able certain quick quickly fast
    faster slow slowly
    per via vs versus etc eg ie also too without within instead however although though whether since because ago later soon once twice
    first second third last next previous another other others one two three four five six seven eight nine ten half per
    ahead around along across behind beyond question questions answer answers opinion advice feedback suggestion suggestions
    worth consider
    considered considering understand understanding explain understood recommend recommended appreciate appreciated welcome
    wrote written thoroughly
    mistake mistakes attached attach below above following follows mean means meant supposed reason due expected broke
    broken fail fails failed failing crash crashes crashed crashing stopped stop stops happens doing does cares care stage staged
    add adds added create creates created write writes writing implement implements return returns returned cover covers include
    includes including every each per while today want set sets setup upgraded since everywhere switched replaces reads says
    shows shown called
    hallo moin servus guten tag abend danke bitte grüße kannst könntest können hilfe helfen brauche möchte will mal schon gerne
    eigentlich
    behebe beheben gibt geht schreib schreibe schreiben mache machen soll sollte sollten wäre wichtig vielleicht lassen
    bonjour salut bonsoir merci svp coucou aide aider besoin voudrais veux peux peut pouvez pourrais faire fais fait comment
    pourquoi quand
    devons dois proposes propose utilise utiliser
    hola buenos buenas días tardes noches gracias favor ayuda ayudar necesito quiero quisiera puedes puedo podrías cómo qué porqué hacer
    recomiendas saber hay crear falla fallar
    ciao buongiorno salve grazie prego aiuto vorrei bisogno posso puoi potresti come perché fare
    olá oi bom boa obrigado obrigada ajuda preciso quero gostaria pode posso poderia estou pensar sentido faz fazer
    привет здравствуйте здравствуй добрый день доброе утро вечер спасибо пожалуйста помоги помогите нужно надо хочу можешь
    можете как почему
    напиши сделай проверь мой мне наш наши нашем добавить написать интересует желательно который которая которое которые
    cześć dzień dobry dziękuję dzięki proszę pomóż potrzebuję napisz hei hej hejsan tack tak takk kan du vil vær snill hjelp
    hvordan lag legge
    merhaba selam teşekkürler lütfen yardım bana bir nasıl neden goedemorgen dank bedankt graag alsjeblieft kun even naar kijken
    γεια καλημέρα ευχαριστώ παρακαλώ βοήθεια πώς γιατί θέλω παίρνω βρίσκει مرحبا السلام عليكم شكرا أريد كيف لماذا ما من فضلك ساعدني سبب
    안녕하세요 안녕 감사합니다 고마워요 주세요 해주세요 도와주세요 부탁드립니다 작성해 확인해 내 제 왜
    谢谢 多谢 感谢 你好 您好 请问 好的 早上好 继续 解释 教えて 願い 一緒 特に 心配 部分 途中 方法 場合 自分
    большое заранее круто ага угу понятно продолжай continue proceed explain learn joke done hooray noted gotcha understood
    สวัสดี ขอบคุณ ครับ ค่ะ ช่วย หน่อย ให้ สำหรับ नमस्ते धन्यवाद कृपया xin chào cảm ơn
    """
)
