use super::*;
use crate::exit::Exit;
use std::os::unix::fs::PermissionsExt;

fn profile(server: &str) -> Profile {
    Profile {
        server: server.into(),
        token: "lrd_secret".into(),
        token_id: Some("12".into()),
        ca: None,
    }
}

fn one() -> Profiles {
    let mut profiles = Profiles::default();
    profiles.put("larder.example".into(), profile("https://larder.example"));
    profiles
}

#[test]
fn they_are_read_as_written_and_by_their_owner_alone() {
    let folder = tempfile::tempdir().expect("folder");
    let config = folder.path().join("config");
    assert!(Profiles::load(&config).expect("none") == Profiles::default());
    one().save(&config).expect("save");
    std::fs::set_permissions(path(&config), std::fs::Permissions::from_mode(0o644))
        .expect("open it");
    std::fs::write(path(&config).with_extension("new"), "left behind").expect("left behind");
    let mut changed = one();
    let other = Profile {
        ca: Some("/etc/ca.pem".into()),
        ..profile("https://other.example")
    };
    changed.put("other".into(), other);
    changed.save(&config).expect("save again");
    assert!(Profiles::load(&config).expect("load") == changed);
    let mode = |path: &Path| {
        let metadata = std::fs::metadata(path).expect("metadata");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(
        (mode(&path(&config)), mode(&config.join("larder"))),
        (0o600, 0o700)
    );
    Profiles::default().save(&config).expect("forget");
    assert!(!path(&config).exists());
    Profiles::default().save(&config).expect("forget again");
}

#[test]
fn a_file_of_an_older_version_is_one_login() {
    let folder = tempfile::tempdir().expect("folder");
    let text = "server = \"https://larder.example\"\ntoken = \"lrd_secret\"\ntoken_id = \"12\"\n";
    private_file::replace(&path(folder.path()), text).expect("write");
    assert!(Profiles::load(folder.path()).expect("load") == one());
}

#[test]
fn a_broken_file_is_told_without_its_secret() {
    let folder = tempfile::tempdir().expect("folder");
    let text = "[contexts.x]\nserver = \"x\"\ntoken = lrd_secret\n";
    private_file::replace(&path(folder.path()), text).expect("write");
    let told = Profiles::load(folder.path()).err().expect("broken");
    let told = told.to_string();
    assert!(
        told.contains("line 3 is wrong") && !told.contains("lrd_"),
        "{told}"
    );
}

#[test]
fn one_is_in_use_until_another_is_chosen_or_it_is_forgotten() {
    let mut profiles = one();
    profiles.put("b".into(), profile("https://b.example"));
    let used = |profiles: &Profiles| {
        let used = profiles.get(None).expect("used");
        used.map(|(name, _)| name.to_owned())
    };
    assert_eq!(used(&profiles).as_deref(), Some("b"));
    profiles.choose("larder.example").expect("choose");
    assert_eq!(used(&profiles).as_deref(), Some("larder.example"));
    let (name, _) = profiles.get(Some("b")).expect("b").expect("b");
    assert_eq!(name, "b");
    let failure = profiles.choose("c").expect_err("c");
    assert_eq!(failure.exit(), Exit::NotFound);
    assert_eq!(
        failure.to_string(),
        "there is no login \"c\"; there is b, larder.example"
    );
    let server = |wanted: &str| {
        let found = profiles.of_server(|profile| profile.server == wanted);
        found.map(|profile| profile.server.clone())
    };
    assert_eq!(
        server("https://b.example").as_deref(),
        Some("https://b.example")
    );
    assert_eq!(server("https://c.example"), None);
    profiles.forget("larder.example");
    assert_eq!(used(&profiles).as_deref(), Some("b"));
    profiles.forget("b");
    assert_eq!(used(&profiles), None);
}
