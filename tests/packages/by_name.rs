//! Packages by name, in no client's own words: what is there, what is yanked, what is taken back;
//! seen by clients at once.

use crate::confusion::{publish_cargo, publish_npm};
use crate::{WHEEL, folder, larder, token};
use larder_tests::parcel::{INDEXED, in_path, version_of};
use larder_tests::shelf::{ALL, artifact_at};
use larder_tests::tools::{command, fails};
use larder_tests::{Larder, Shelf, Upstream, fields, run, tool};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const FILE: [&str; 2] = [
    "larder_probe-1.0-py3-none-any.whl",
    "larder_probe-1.1-py3-none-any.whl",
];

/// Uploads both wheels, and tells the folder that they were made in.
pub(crate) fn publish_pypi(larder: &Larder, python: &Path) -> PathBuf {
    let home = folder(larder, "wheels", &[("wheel.py", WHEEL)]);
    for (file, version) in FILE.into_iter().zip(["1.0", "1.1"]) {
        run(command(python, &home).args([
            "wheel.py",
            "larder_probe",
            version,
            &format!("one = {version}"),
        ]));
        upload(
            larder,
            file,
            version,
            &std::fs::read(home.join(file)).expect("wheel"),
        )
        .expect(200);
    }
    home
}

/// Uploads a wheel of `larder-probe` by raw HTTP.
pub(crate) fn upload(
    larder: &Larder,
    file: &str,
    version: &str,
    wheel: &[u8],
) -> larder_tests::Response {
    let field = |name: &str, value: &str| {
        format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let mut form = [
        (":action", "file_upload"),
        ("protocol_version", "1"),
        ("name", "larder-probe"),
        ("version", version),
    ]
    .map(|(name, value)| field(name, value))
    .concat();
    form += &field("filetype", "bdist_wheel");
    form += &format!(
        "--edge\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{file}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let body = [form.as_bytes(), wheel, b"\r\n--edge--\r\n"].concat();
    larder.admin().send(
        "POST",
        "/pypi/main/legacy/",
        &[("content-type", "multipart/form-data; boundary=edge")],
        &body,
    )
}

const YANKED: &str = "repositories/pypi/main/packages/Larder.Probe/versions/1.1";

/// pip, asking the group.
struct Pip {
    python: PathBuf,
    home: PathBuf,
    index: String,
}

impl Pip {
    fn of(larder: &Larder, python: PathBuf, home: PathBuf) -> Self {
        let (token, host) = (token(larder), larder.host());
        let index = format!("http://x:{token}@{host}/pypi/main/simple/");
        Self {
            python,
            home,
            index,
        }
    }

    /// The command that installs `what` in a folder.
    fn install(&self, target: &str, what: &str) -> Command {
        let mut command = command(&self.python, &self.home);
        command.args(["-m", "pip", "--isolated", "--disable-pip-version-check"]);
        command.args(["install", "--no-cache-dir", "--retries", "0"]);
        command.args(["--index-url", &self.index, "--target", target, what]);
        command
    }

    /// What was installed in a folder.
    fn installed(&self, target: &str) -> String {
        let module = self.home.join(target).join("larder_probe.py");
        std::fs::read_to_string(module).expect("installed")
    }
}

#[test]
fn pip_passes_over_a_version_that_was_yanked_by_name() {
    let Some(python) = tool("python3") else {
        return;
    };
    let larder = larder();
    let home = publish_pypi(&larder, &python);
    let pip = Pip::of(&larder, python, home);
    let page = "/pypi/main/simple/larder-probe/";
    run(&mut pip.install("first", "larder-probe"));
    assert_eq!(pip.installed("first"), "one = 1.1");

    larder.api("PATCH", YANKED, r#"{"yanked":"breaks <things>"}"#, 200);
    let told = larder.admin().get(page).expect(200).text();
    assert!(
        told.contains("data-yanked=\"breaks &lt;things&gt;\""),
        "{told}"
    );
    let accept = ("accept", "application/vnd.pypi.simple.v1+json");
    let files = larder
        .admin()
        .send("GET", page, &[accept], b"")
        .expect(200)
        .json()["files"]
        .clone();
    assert_eq!(
        (&files[0]["yanked"], &files[1]["yanked"]),
        (&json!(false), &json!("breaks <things>"))
    );
    let version = larder.api("GET", YANKED, "", 200);
    assert_eq!(
        (&version["yanked"], &version["repository"]),
        (&json!("breaks <things>"), &json!("pypi/local"))
    );
    run(&mut pip.install("second", "larder-probe"));
    assert_eq!(pip.installed("second"), "one = 1.0");
    let warned = run(&mut pip.install("pinned", "larder-probe==1.1"));
    assert_eq!(pip.installed("pinned"), "one = 1.1");
    assert!(
        warned.contains("yanked") && warned.contains("breaks <things>"),
        "{warned}"
    );

    larder.api("PATCH", YANKED, r#"{"yanked":false}"#, 200);
    run(&mut pip.install("third", "larder-probe"));
    assert_eq!(pip.installed("third"), "one = 1.1");

    a_deleted_version_stays_taken(&larder, &pip);
}

/// Who may not write may not yank, and what was deleted stays taken.
fn a_deleted_version_stays_taken(larder: &Larder, pip: &Pip) {
    let reader = larder.make_user("reader");
    larder.grant("user:reader", "pypi/*", "*", "reader");
    let json = [("content-type", "application/json")];
    reader
        .send(
            "PATCH",
            &format!("/api/v1/{YANKED}"),
            &json,
            br#"{"yanked":true}"#,
        )
        .expect(403);
    larder.grant("user:reader", "pypi/*", "*", "writer");
    reader
        .send(
            "PATCH",
            &format!("/api/v1/{YANKED}"),
            &json,
            br#"{"yanked":true}"#,
        )
        .expect(200);
    reader
        .send("DELETE", &format!("/api/v1/{YANKED}"), &[], b"")
        .expect(403);
    larder.api("DELETE", YANKED, "", 204);
    larder.api("DELETE", YANKED, "", 404);
    run(&mut pip.install("fourth", "larder-probe"));
    assert_eq!(pip.installed("fourth"), "one = 1.0");
    fails(&mut pip.install("gone", "larder-probe==1.1"));
    let wheel = std::fs::read(pip.home.join(FILE[1])).expect("wheel");
    let told = upload(larder, FILE[1], "1.1", &wheel).expect(409).text();
    assert!(told.contains("was deleted"), "{told}");
}

#[test]
fn crates_and_npm_packages_are_listed_yanked_and_taken_back() {
    let larder = larder();
    publish_cargo(&larder, "left-pad").expect(200);
    assert!([200, 201].contains(&publish_npm(&larder).status));
    let version = "repositories/cargo/main/packages/Left_Pad/versions/1.0.0";
    larder.api("PATCH", version, r#"{"yanked":true}"#, 200);
    assert_eq!(larder.api("GET", version, "", 200)["yanked"], json!(true));
    let index = || larder.admin().get("/cargo/main/le/ft/left-pad");
    assert!(index().expect(200).text().contains("\"yanked\":true"));
    larder.api("PATCH", version, r#"{"yanked":"why"}"#, 400);
    larder.api("PATCH", version, r#"{"yanked":false}"#, 200);
    assert!(index().expect(200).text().contains("\"yanked\":false"));
    let told = larder.api(
        "PATCH",
        "repositories/npm/main/packages/demo/versions/1.0.0",
        r#"{"yanked":true}"#,
        405,
    );
    assert!(
        told["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("npm deprecate")),
        "{told}"
    );

    for (protocol, package, document) in [
        ("cargo", "left-pad", "le/ft/left-pad"),
        ("npm", "demo", "demo"),
    ] {
        let packages = format!("repositories/{protocol}/main/packages");
        let listed = larder.api("GET", &packages, "", 200);
        assert_eq!(fields(&listed, "name"), [package]);
        let words = if protocol == "cargo" { "FT_P" } else { "DEM" };
        assert_eq!(
            fields(
                &larder.api("GET", &format!("{packages}?q={words}"), "", 200),
                "name"
            ),
            [package]
        );
        assert_eq!(
            fields(
                &larder.api("GET", &format!("{packages}?q=none"), "", 200),
                "name"
            ),
            [""; 0]
        );
        assert_eq!(
            fields(
                &larder.api("GET", &format!("{packages}/{package}/versions"), "", 200),
                "version"
            ),
            ["1.0.0"]
        );
        larder.api("DELETE", &format!("{packages}/{package}"), "", 204);
        assert_eq!(
            fields(&larder.api("GET", &packages, "", 200), "name"),
            Vec::<String>::new()
        );
        assert_eq!(
            fields(
                &larder.api("GET", &format!("{packages}/{package}/versions"), "", 200),
                "version"
            ),
            [""; 0]
        );
        larder
            .admin()
            .get(&format!("/{protocol}/main/{document}"))
            .expect(404);
    }
    let again = publish_cargo(&larder, "left-pad").expect(409).text();
    assert!(again.contains("was deleted"), "{again}");
    let again = publish_npm(&larder).expect(409).text();
    assert!(again.contains("cannot be published again"), "{again}");
}

/// Has the mirror keep the version.
fn keep(larder: &Larder, shelf: &Shelf) {
    larder.anonymous().await_kept(&shelf.artifact_here("1.0.0"));
}

#[test]
fn a_mirror_lists_what_it_keeps_and_forgets_it() {
    let (larder, upstream) = (larder(), Upstream::start());
    for protocol in ALL {
        let mut shelf = Shelf::new(protocol, &upstream);
        shelf.put(&upstream, "1.0.0", b"what is kept");
        let body = json!({"protocol": protocol, "name": "up", "kind": "mirror",
            "upstream": {"url": shelf.url(&upstream), "allow_private": true}});
        larder.api("POST", "repositories", &body.to_string(), 201);
        let packages = format!("repositories/{protocol}/up/packages");
        let demo = shelf.package();
        let path = shelf.artifact_here("1.0.0");
        let size = artifact_at(&path, b"what is kept").len();
        let package = format!("{packages}/{}", in_path(&demo));
        let version = format!("{package}/versions/{}", version_of(protocol, "1.0.0"));
        assert_eq!(
            larder.api("GET", &packages, "", 200),
            json!({"items": [], "next": null})
        );
        larder.api("GET", &version, "", 404);
        keep(&larder, &shelf);
        assert_eq!(
            fields(&larder.api("GET", &packages, "", 200), "name"),
            [&*demo]
        );
        let told = larder.api("GET", &version, "", 200);
        assert_eq!(
            (&told["hosted"], &told["files"][0]["size_bytes"]),
            (&json!(false), &json!(size)),
            "{told}"
        );
        assert_eq!(told["files"][0]["created_by"], json!("upstream"));
        let found = || {
            let path = format!("search?q=demo&protocol={protocol}&kind=package");
            fields(&larder.api("GET", &path, "", 200), "package")
        };
        assert_eq!(found(), [&*demo]);
        let there = shelf.artifact("1.0.0");
        assert_eq!(upstream.count(&there), 1);
        larder
            .anonymous()
            .get(&shelf.artifact_here("1.0.0"))
            .expect(200);
        assert_eq!(upstream.count(&there), 1, "{protocol}: it is kept");
        larder.api("DELETE", &version, "", 204);
        larder.api("GET", &version, "", 404);
        if INDEXED.contains(&protocol) {
            // Of others the documents stay, which tell of it.
            assert_eq!(found(), [""; 0]);
            assert_eq!(
                fields(&larder.api("GET", &packages, "", 200), "name"),
                [""; 0]
            );
        }
        keep(&larder, &shelf);
        assert_eq!(
            upstream.count(&there),
            2,
            "{protocol}: it is asked for anew"
        );
        larder.api("DELETE", &package, "", 204);
        larder.api("GET", &version, "", 404);
        larder
            .anonymous()
            .get(&shelf.artifact_here("1.0.0"))
            .expect(200);
        assert_eq!(upstream.count(&there), 3, "{protocol}");
    }
}
