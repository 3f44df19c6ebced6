use super::*;
use std::os::unix::fs::PermissionsExt;

fn profile() -> Profile {
    Profile {
        server: "https://larder.example".into(),
        token: "lrd_secret".into(),
        token_id: Some("12".into()),
        ca: None,
    }
}

#[test]
fn it_is_read_as_written_and_by_its_owner_alone() {
    let folder = tempfile::tempdir().expect("folder");
    let config = folder.path().join("config");
    assert!(Profile::load(&config).expect("none").is_none());
    profile().save(&config).expect("save");
    std::fs::set_permissions(path(&config), std::fs::Permissions::from_mode(0o644))
        .expect("open it");
    std::fs::write(path(&config).with_extension("new"), "left behind").expect("left behind");
    let changed = Profile {
        ca: Some("/etc/ca.pem".into()),
        ..profile()
    };
    changed.save(&config).expect("save again");
    assert!(Profile::load(&config).expect("load") == Some(changed));
    let mode = |path: &Path| {
        std::fs::metadata(path)
            .expect("metadata")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(
        (mode(&path(&config)), mode(&config.join("larder"))),
        (0o600, 0o700)
    );
    Profile::forget(&config).expect("forget");
    Profile::forget(&config).expect("forget again");
    assert!(Profile::load(&config).expect("none").is_none());
}

#[test]
fn a_broken_profile_is_told_without_its_secret() {
    let folder = tempfile::tempdir().expect("folder");
    profile().save(folder.path()).expect("save");
    std::fs::write(path(folder.path()), "server = \"x\"\ntoken = lrd_secret\n").expect("write");
    let told = Profile::load(folder.path())
        .err()
        .expect("broken")
        .to_string();
    assert!(
        told.contains("line 2 is wrong") && !told.contains("lrd_"),
        "{told}"
    );
}
