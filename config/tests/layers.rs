//! Defaults, file, environment, flags: the later wins, and what is wrong in any of them is said.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use larder_config::{Config, LogFormat, LogLevel, Sources, StorageKind, Tls};

fn sources(file: Option<&str>, env: &[(&str, &str)]) -> Sources {
    let env = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Sources {
        file: file.map(|name| Path::new("testdata/right").join(name)),
        env,
        ..Sources::default()
    }
}

fn load(file: Option<&str>, env: &[(&str, &str)]) -> Config {
    Config::load(&sources(file, env)).expect("the configuration is right")
}

fn errors(env: &[(&str, &str)]) -> String {
    Config::load(&sources(None, env))
        .expect_err("the configuration is wrong")
        .to_string()
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

#[test]
fn defaults_serve() {
    let config = load(None, &[]);
    assert_eq!(config.data, PathBuf::from("./larder-data"));
    assert_eq!(config.server.listen, address("127.0.0.1:7070"));
    assert_eq!(config.server.public_url, None);
    assert_eq!(config.server.tls, Tls::Off);
    assert!(config.server.trusted_proxies.is_empty());
    assert_eq!(config.server.limits.connections, 10_000);
    assert_eq!(config.server.limits.header_size, 32 << 10);
    assert_eq!(config.server.limits.body_idle_time, Duration::from_mins(1));
    assert_eq!(config.server.limits.manifest_size, 4 << 20);
    assert_eq!(config.server.limits.blob_size, 0);
    assert_eq!(
        config.server.limits.upload_idle_time,
        Duration::from_hours(24)
    );
    assert_eq!(config.storage.kind, StorageKind::Local);
    assert_eq!(config.storage.path, PathBuf::from("./larder-data/storage"));
    assert_eq!(
        config.storage.staging,
        PathBuf::from("./larder-data/staging")
    );
    assert!(config.storage.path_style && !config.storage.allow_http);
    assert_eq!(
        config.database.path,
        PathBuf::from("./larder-data/larder.db")
    );
    assert!(config.database.url.is_none());
    assert_eq!(
        config.auth.token_key,
        PathBuf::from("./larder-data/token.key")
    );
    assert_eq!(
        config.auth.offline_token_life,
        Duration::from_hours(90 * 24)
    );
    assert_eq!(config.auth.password_memory, 19 << 20);
    assert_eq!(
        (config.log.level, config.log.format),
        (LogLevel::Info, LogFormat::Auto)
    );
    assert!(config.auth.anonymous && !config.cache.offline && config.telemetry.metrics);
}

#[test]
fn a_later_layer_wins() {
    let file = Some("layers.toml");
    let config = load(file, &[]);
    assert_eq!(config.server.listen, address("0.0.0.0:1111"));
    assert_eq!(config.data, PathBuf::from("/srv/file"));
    assert_eq!(config.storage.path, PathBuf::from("/srv/file/storage"));

    let env = [
        ("LARDER_SERVER__LISTEN", "0.0.0.0:2222"),
        ("LARDER_DATA", "/srv/env"),
    ];
    let config = load(file, &env);
    assert_eq!(config.server.listen, address("0.0.0.0:2222"));
    assert_eq!(config.storage.path, PathBuf::from("/srv/env/storage"));
    assert_eq!(
        config.gc.grace,
        Duration::from_mins(10),
        "what the environment does not say, the file does"
    );

    let mut all = sources(file, &env);
    all.listen = Some(address("[::]:3333"));
    all.data = Some("/srv/flag".into());
    let config = Config::load(&all).expect("the configuration is right");
    assert_eq!(config.server.listen, address("[::]:3333"));
    assert_eq!(config.data, PathBuf::from("/srv/flag"));
    assert_eq!(config.database.path, PathBuf::from("/srv/flag/larder.db"));
}

#[test]
fn an_overruled_mistake_is_no_mistake() {
    let mut sources = sources(None, &[("LARDER_SERVER__LISTEN", "nowhere")]);
    sources.listen = Some(address("127.0.0.1:0"));
    assert!(Config::load(&sources).is_ok());
}

#[test]
fn the_file_is_named_by_flag_or_environment() {
    let config = load(None, &[("LARDER_CONFIG", "testdata/right/layers.toml")]);
    assert_eq!(config.server.listen, address("0.0.0.0:1111"));
    let config = load(
        Some("everything.toml"),
        &[("LARDER_CONFIG", "testdata/right/layers.toml")],
    );
    assert_eq!(config.server.listen, address("[::]:443"));

    let said = errors(&[("LARDER_CONFIG", "missing.toml"), ("LARDER_DTA", "x")]);
    assert!(
        said.contains("LARDER_CONFIG: \"missing.toml\" cannot be read: "),
        "{said}"
    );
    assert!(
        said.contains("LARDER_DTA: unknown variable; did you mean LARDER_DATA?"),
        "{said}"
    );
    let missing = sources(Some("missing.toml"), &[]);
    let said = Config::load(&missing).expect_err("no file").to_string();
    assert!(
        said.starts_with("--config: \"testdata/right/missing.toml\" cannot be read: "),
        "{said}"
    );
}

#[test]
fn variables_stand_for_every_kind() {
    let config = load(
        None,
        &[
            ("LARDER_SERVER__THREADS", "3"),
            ("LARDER_SERVER__TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8"),
            ("LARDER_SERVER__PUBLIC_URL", "https://larder.example.org/"),
            ("LARDER_SERVER__LIMITS__HEADER_SIZE", "64KiB"),
            ("LARDER_SERVER__LIMITS__IDLE_TIME", "500ms"),
            ("LARDER_SERVER__LIMITS__BLOB_SIZE", "0"),
            ("LARDER_CACHE__OFFLINE", "true"),
            ("LARDER_STORAGE__KIND", "s3"),
            ("LARDER_STORAGE__BUCKET", "12345"),
            ("LARDER_STORAGE__ACCESS_KEY_ID", "id"),
            ("LARDER_STORAGE__SECRET_ACCESS_KEY", "hunter2"),
            ("LARDER_STORAGE__ENDPOINT", ""),
        ],
    );
    assert_eq!(config.server.threads, 3);
    let proxies = &config.server.trusted_proxies;
    assert!(
        proxies
            .iter()
            .any(|network| network.contains(address("10.9.8.7:1").ip()))
    );
    assert_eq!(
        config.server.public_url.expect("a URL").to_string(),
        "https://larder.example.org"
    );
    assert_eq!(config.server.limits.header_size, 65_536);
    assert_eq!(config.server.limits.idle_time, Duration::from_millis(500));
    assert!(config.cache.offline);
    assert_eq!(config.storage.bucket.as_deref(), Some("12345"));
    assert_eq!(
        config.storage.secret_access_key.expect("a secret").expose(),
        "hunter2"
    );
    assert_eq!(config.storage.endpoint, None);
}

#[test]
fn tls_is_a_word_or_two_files() {
    let files = |cert: &str, key: &str| Tls::Files {
        cert: cert.into(),
        key: key.into(),
    };
    let both = [
        ("LARDER_SERVER__TLS__CERT", "c.pem"),
        ("LARDER_SERVER__TLS__KEY", "<data>/k.pem"),
    ];
    assert_eq!(
        load(None, &both).server.tls,
        files("c.pem", "./larder-data/k.pem")
    );
    assert_eq!(
        load(Some("layers.toml"), &both).server.tls,
        files("c.pem", "/srv/file/k.pem"),
        "over a word"
    );
    assert_eq!(
        load(Some("everything.toml"), &both[..1]).server.tls,
        files("c.pem", "/etc/larder/key.pem")
    );
    assert_eq!(
        load(
            Some("everything.toml"),
            &[("LARDER_SERVER__TLS", "self-signed")]
        )
        .server
        .tls,
        Tls::SelfSigned
    );
    assert_eq!(
        errors(&both[..1]),
        "LARDER_SERVER__TLS__CERT: cert is set without key; set both"
    );
    assert_eq!(
        errors(&[("LARDER_SERVER__TLS", "off"), both[0], both[1]]),
        "LARDER_SERVER__TLS__CERT: contradicts LARDER_SERVER__TLS; set one of them\n\
         LARDER_SERVER__TLS__KEY: contradicts LARDER_SERVER__TLS; set one of them"
    );
}

#[test]
fn wrong_variables_are_named() {
    for (name, value, text) in [
        (
            "LARDER_SERVER__LISEN",
            "x",
            "unknown variable; did you mean LARDER_SERVER__LISTEN?",
        ),
        (
            "LARDER_SERVER_LISTEN",
            "x",
            "unknown variable; did you mean LARDER_SERVER__LISTEN?",
        ),
        (
            "LARDER_LISTEN",
            "x",
            "unknown variable; did you mean LARDER_SERVER__LISTEN?",
        ),
        (
            "LARDER_Data",
            "x",
            "unknown variable; did you mean LARDER_DATA?",
        ),
        (
            "LARDER_CONFG",
            "x",
            "unknown variable; did you mean LARDER_CONFIG?",
        ),
        (
            "LARDER_ADMIN_PASWORD",
            "x",
            "unknown variable; did you mean LARDER_ADMIN_PASSWORD?",
        ),
        (
            "LARDER_SERVER__TLS__CERTS",
            "x",
            "unknown variable; did you mean LARDER_SERVER__TLS__CERT?",
        ),
        (
            "LARDER_GC__EVERY",
            "1ms",
            "\"1ms\" is too short; write at least \"1s\"",
        ),
        (
            "LARDER_GC__GRACE",
            "soon",
            "\"soon\" is not a duration; write e.g. \"30s\", \"5m\", \"2h\", \"7d\"",
        ),
        (
            "LARDER_AUDIT__KEEP",
            "3600",
            "\"3600\" has no unit; write e.g. \"30s\", \"5m\", \"2h\", \"7d\"",
        ),
        (
            "LARDER_DATABASE__URL",
            "hunter2",
            "not a PostgreSQL URL; write e.g. \
          \"postgres://larder:password@db.example.org/larder\"",
        ),
        (
            "LARDER_SERVER__LISTEN",
            "x",
            "\"x\" is not an address; write e.g. \
          \"127.0.0.1:7070\", \"0.0.0.0:7070\", \"[::]:7070\"",
        ),
        (
            "LARDER_NOTHING__LIKE_IT",
            "x",
            "unknown variable; settings are LARDER_DATA or LARDER_SECTION__KEY, \
          e.g. LARDER_SERVER__LISTEN",
        ),
    ] {
        assert_eq!(errors(&[(name, value)]), format!("{name}: {text}"));
    }
}

#[test]
fn other_variables_are_left_alone() {
    load(
        None,
        &[
            ("LARDER_ADMIN_PASSWORD", "hunter2"),
            ("LARDER_SERVER", "https://larder.example.org"),
            ("LARDER_TOKEN", "hunter2"),
            ("LARDER_PROFILE", "work"),
            ("LARDER_FAULTS", "all"),
            ("LARDER_TEST_WRITE", "1"),
            ("LARDER_PORT", "tcp://10.96.0.7:7070"),
            ("HOME", "/root"),
        ],
    );
}

#[test]
fn contradictions_reach_across_layers() {
    let sources = sources(
        Some("layers.toml"),
        &[
            ("LARDER_DATABASE__PATH", "x.db"),
            ("LARDER_STORAGE__KIND", "s3"),
        ],
    );
    assert_eq!(
        Config::load(&sources)
            .expect_err("two databases")
            .to_string(),
        "LARDER_DATABASE__PATH: database.path is set but so is database.url; remove one of them\n\
         LARDER_STORAGE__KIND: storage.kind is \"s3\" but storage.bucket is not set"
    );
}

#[test]
fn the_effective_configuration_is_one_and_keeps_secrets() {
    for file in ["layers.toml", "everything.toml"] {
        let config = load(Some(file), &[]);
        let shown = config.effective();
        assert!(
            !shown.contains("hunter2") && !format!("{config:?}").contains("hunter2"),
            "{shown}"
        );
        assert!(shown.contains("***"), "{shown}");
        let expected =
            std::fs::read_to_string(format!("testdata/right/{file}.effective")).unwrap_or_default();
        if std::env::var_os("LARDER_TEST_WRITE").is_some() {
            std::fs::write(format!("testdata/right/{file}.effective"), &shown)
                .expect("testdata can be written");
        } else {
            assert_eq!(shown, expected);
        }
        // Read again, it says the same of itself.
        let again = sources(Some(&format!("{file}.effective")), &[]);
        assert_eq!(
            Config::load(&again).expect("a configuration").effective(),
            shown
        );
    }
    assert!(
        load(None, &[])
            .effective()
            .starts_with("data = \"./larder-data\"\n\n[server]\nlisten = ")
    );
}

#[test]
fn it_is_told_where_settings_come_from() {
    let variables = [
        (
            "LARDER_DATABASE__URL",
            "postgres://larder:hidden@db.example/larder",
        ),
        ("LARDER_SERVER__THREADS", "3"),
        ("LARDER_SERVER__PUBLIC_URL", ""),
    ];
    let mut all = sources(None, &variables);
    all.data = Some("/var/lib/larder".into());
    let (_, told) = Config::load_told(&all).expect("a configuration");
    let of = |key: &str| {
        let setting = told.iter().find(|setting| setting.key == key);
        let setting = setting.expect("a setting");
        let place = setting.set_by.as_ref().map(ToString::to_string);
        (setting.value.as_str(), setting.default.as_str(), place)
    };
    let variable = Some("LARDER_SERVER__THREADS".to_owned());
    assert_eq!(of("server.threads"), ("3", "0", variable));
    assert_eq!(
        of("data"),
        (
            "\"/var/lib/larder\"",
            "\"./larder-data\"",
            Some("--data".to_owned())
        )
    );
    assert_eq!(of("server.public_url").2, None);
    // The same as a file, with the places as comments.
    let text = larder_config::told(&told);
    for line in [
        "data = \"/var/lib/larder\" # --data\n",
        "[server]\nlisten = \"127.0.0.1:7070\" # default\n",
        "threads = 3 # LARDER_SERVER__THREADS\n",
        "[server.limits]\nconnections = 10000 # default\n",
        "package_size = \"8GiB\" # default\n",
        "url = \"postgres://larder:***@db.example/larder\" # LARDER_DATABASE__URL\n",
    ] {
        assert!(text.contains(line), "nothing of {line} in {text}");
    }
    assert!(!text.contains("hidden"), "{text}");
    assert!(!told.iter().any(|setting| setting.value.contains("hidden")));
}

#[test]
fn secrets_may_stand_in_files() {
    let folder = tempfile::tempdir().expect("folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("file");
        path.display().to_string()
    };
    let url = file("url", "postgres://larder:secret@db.example/larder\n");
    let name = "LARDER_DATABASE__URL_FILE";
    let config = Config::load(&sources(None, &[(name, &url)])).expect("config");
    let read = config.database.url.expect("url");
    assert_eq!(read.expose(), "postgres://larder:secret@db.example/larder");
    // What is set to nothing is not set.
    let config = Config::load(&sources(None, &[(name, "")])).expect("config");
    assert!(config.database.url.is_none());
    let refused = |env: &[(&str, &str)]| {
        let refused = Config::load(&sources(None, env));
        refused.expect_err("refused").to_string()
    };
    let told = refused(&[(name, &url), ("LARDER_DATABASE__URL", "postgres://a@b/c")]);
    assert!(
        told.contains("LARDER_DATABASE__URL_FILE: contradicts LARDER_DATABASE__URL"),
        "{told}"
    );
    let told = refused(&[(name, "/nowhere/at/all")]);
    assert!(
        told.contains("LARDER_DATABASE__URL_FILE: /nowhere/at/all"),
        "{told}"
    );
    let told = refused(&[(name, &file("empty", "\n"))]);
    assert!(told.contains("is empty"), "{told}");
    let told = refused(&[("LARDER_SERVER__LISTEN_FILE", &url)]);
    assert!(told.contains("unknown variable"), "{told}");
    // The first password is no setting.
    let env = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let password = file("password", "correct-horse\n");
    let read = larder_config::first_password(&env("LARDER_ADMIN_PASSWORD_FILE", &password));
    assert_eq!(read.expect("password").as_deref(), Some("correct-horse"));
    Config::load(&sources(None, &[("LARDER_ADMIN_PASSWORD_FILE", &password)])).expect("config");
}

#[test]
fn buckets_of_each_provider_have_their_settings() {
    let gcs = load(Some("gcs.toml"), &[]).storage;
    assert_eq!(gcs.kind, StorageKind::Gcs);
    assert_eq!(gcs.prefix.as_deref(), Some("team/larder"));
    let key = gcs.secret_access_key.expect("a key");
    assert!(key.expose().starts_with("{ \"client_email\""));
    let azure = load(Some("azure.toml"), &[]).storage;
    assert_eq!(azure.kind, StorageKind::Azure);
    assert_eq!(azure.access_key_id.as_deref(), Some("account"));
    let endpoint = azure.endpoint.map(|url| url.to_string());
    assert_eq!(
        endpoint.as_deref(),
        Some("http://127.0.0.1:10000/account"),
        "no slash at the end"
    );
}
