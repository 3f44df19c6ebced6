//! Class 11, a default or logged administrator's password: a fresh server is opened by nothing that
//! anyone knows, and its first password stands in one file, which only its owner reads.

use crate::browser::sign_in;
use larder_tests::larder::PASSWORD;
use larder_tests::{Larder, Start};
use std::fs::{File, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// Texts of the sources, the documentation, and of other servers' first days.
const KNOWN: [&str; 24] = [
    "",
    "admin",
    "admin123",
    "administrator",
    "adminadmin",
    "changeme",
    "change-me",
    "default",
    "guest",
    "larder",
    "larder123",
    "larderlarder",
    "letmein",
    "letmein1",
    "password",
    "passw0rd",
    "Password1",
    "12345678",
    "123456789",
    "Harbor12345",
    "root",
    "secret",
    "test",
    PASSWORD,
];
const NAMES: [&str; 5] = ["admin", "administrator", "larder", "root", "first start"];

/// Puts something where the file is to be.
type Plant<'a> = &'a dyn Fn(&Path);

/// A server of which nobody has said what its first password is to be.
fn fresh() -> Start {
    Start::of(env!("CARGO_BIN_EXE_larder"))
        .with("LARDER_ADMIN_PASSWORD", "")
        .with("LARDER_AUTH__LOGIN_ATTEMPTS", "10000")
        .with("LARDER_LOG__LEVEL", "trace")
}

fn file(data: &Path) -> PathBuf {
    data.join("admin-password")
}

fn left(larder: &Larder) -> String {
    let text = std::fs::read_to_string(file(&larder.data())).expect("the password");
    text.trim().to_owned()
}

#[test]
fn nothing_that_is_known_opens_a_fresh_server() {
    let larder = fresh().start();
    for name in NAMES {
        for password in KNOWN {
            let client = larder.user(name, password);
            for path in ["/api/v1/whoami", "/v2/", "/npm/main/-/whoami"] {
                // Neither a name nor a password is nobody, who is let in nowhere here.
                assert_eq!(client.get(path).status, 401, "{name} {password} {path}");
            }
            sign_in(&larder, name, password).expect(401);
        }
    }
    let password = left(&larder);
    assert_eq!(password.len(), 32, "128 random bits");
    let admin = larder.user("admin", &password);
    let me = admin.get("/api/v1/whoami").expect(200).json();
    assert_eq!(me["superuser"], true);
    let other = left(&fresh().start());
    assert_ne!(password, other, "each server has its own");
}

#[test]
fn the_first_password_is_its_owners_alone_and_in_no_log() {
    let mut larder = fresh().start();
    let path = file(&larder.data());
    let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&larder.data()) & 0o007, 0);
    let password = left(&larder);
    // Used wherever passwords are.
    larder.user("admin", &password).get("/v2/").expect(200);
    larder
        .user("admin", &password)
        .get("/api/v1/users")
        .expect(200);
    sign_in(&larder, "admin", &password).expect(201);
    larder.stop();
    let mut log = larder.log_text();
    larder.start_again();
    assert_eq!(left(&larder), password, "a second start makes no other");
    larder.user("admin", &password).get("/v2/").expect(200);
    larder.stop();
    log.push_str(&larder.log_text());
    assert!(log.contains("DEBUG"), "it tells all");
    assert!(!log.contains(&password), "a secret in the log");
}

#[test]
fn a_file_of_someone_elses_making_is_no_first_password() {
    const PLANTED: &str = "0123456789abcdef0123456789abcdef";
    let plant = |make: Plant<'_>| {
        let folder = tempfile::tempdir().expect("folder");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("data");
        make(&file(&data));
        (folder, data)
    };
    let write = |mode: u32, text: &'static str| {
        move |path: &Path| {
            std::fs::write(path, text).expect("file");
            std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("mode");
        }
    };
    let link = |path: &Path| {
        let target = path.with_file_name("elsewhere");
        write(0o600, PLANTED)(&target);
        symlink(&target, path).expect("link");
    };
    let link_to_nothing = |path: &Path| {
        symlink(path.with_file_name("nowhere"), path).expect("link");
    };
    let folder = |path: &Path| std::fs::create_dir(path).expect("folder");
    let planted: [(&str, Plant<'_>); 8] = [
        ("readable by others", &write(0o644, PLANTED)),
        ("readable by a group", &write(0o640, PLANTED)),
        ("writable by others", &write(0o602, PLANTED)),
        ("the half of one", &write(0o600, "")),
        ("a weak one", &write(0o600, "password\n")),
        ("a link", &link),
        ("a link to nothing", &link_to_nothing),
        ("a folder", &folder),
    ];
    for (what, make) in planted {
        let (_folder, data) = plant(make);
        let told = fresh().in_folder(&data).refuses();
        assert!(told.contains("admin-password"), "{what}: {told}");
        assert!(!told.contains(PLANTED), "{what}");
        // Nothing was written through it either.
        assert!(!data.join("nowhere").exists(), "{what}");
    }
    // What a start left that was cut off goes on.
    let (_folder, data) = plant(&|path: &Path| {
        let mut options = File::options();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(path).expect("file");
        std::io::Write::write_all(&mut file, format!("{PLANTED}\n").as_bytes()).expect("text");
    });
    let larder = fresh().in_folder(&data).start();
    larder.user("admin", PLANTED).get("/v2/").expect(200);
}

#[test]
fn a_password_that_everyone_guesses_is_refused() {
    for weak in [
        "short", "password", "PassWord", "12345678", "changeme", "admin123",
    ] {
        let told = fresh().with("LARDER_ADMIN_PASSWORD", weak).refuses();
        assert!(told.contains("too weak"), "{weak}: {told}");
    }
}

#[test]
fn the_file_goes_with_the_password() {
    let larder = fresh().start();
    let (path, password) = (file(&larder.data()), left(&larder));
    let change = |name: &str, body: serde_json::Value| {
        let headers = [("content-type", "application/json")];
        let admin = larder.user("admin", &password);
        let target = format!("/api/v1/users/{name}");
        admin.send("PATCH", &target, &headers, body.to_string().as_bytes())
    };
    let new = serde_json::json!({"name": "alice", "password": PASSWORD});
    let headers = [("content-type", "application/json")];
    larder
        .user("admin", &password)
        .send(
            "POST",
            "/api/v1/users",
            &headers,
            new.to_string().as_bytes(),
        )
        .expect(201);
    change("alice", serde_json::json!({"password": "another one"})).expect(200);
    let wrong = serde_json::json!({"password": PASSWORD, "current_password": "wrong"});
    change("admin", wrong).expect(403);
    assert_eq!(left(&larder), password, "it still tells the truth");
    let right = serde_json::json!({"password": PASSWORD, "current_password": password});
    change("admin", right).expect(200);
    assert!(!path.exists(), "it would lie");
    larder.user("admin", &password).get("/v2/").expect(401);
    larder.admin().get("/v2/").expect(200);
    let audit = larder.api("GET", "audit?action=user.change&object=user:admin", "", 200);
    assert_eq!(audit["items"][0]["details"]["password_changed"], true);
    for secret in [PASSWORD, &password] {
        assert!(!audit.to_string().contains(secret));
    }
}
