use super::*;
use larder_config::Sources;

/// The configuration with one variable set.
fn with(variable: &str, value: &str) -> Config {
    let sources = Sources {
        env: vec![(variable.to_owned(), value.to_owned())]
            .into_iter()
            .collect(),
        ..Sources::default()
    };
    Config::load(&sources).expect("a configuration")
}

/// All limits that name a setting.
fn all(config: &Config) -> Vec<Limit> {
    let (registry, publish) = (registry(config), publish(config));
    vec![
        registry.manifest,
        registry.blob,
        publish.file,
        publish.unpacked,
        publish.metadata,
        publish.document,
        artifact(config),
        api(config).json,
    ]
}

#[test]
fn the_setting_that_a_limit_names_changes_it() {
    let unset = all(&with("LARDER_LOG__LEVEL", "info"));
    for (at, limit) in unset.iter().enumerate() {
        let key = limit.setting.to_uppercase().replace('.', "__");
        let changed = all(&with(&format!("LARDER_{key}"), "77MiB"));
        assert_eq!(changed[at].bytes, 77 << 20, "{limit:?}");
        assert_ne!(limit.bytes, 77 << 20, "{limit:?}");
    }
}

#[test]
fn what_may_be_published_is_what_protocols_are_tested_with() {
    let config = with("LARDER_LOG__LEVEL", "info");
    assert_eq!(publish(&config), PublishLimits::default());
}
