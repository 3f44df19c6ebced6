//! What the client says when it is refused, over TLS, for it shows credentials nowhere else.

use super::bed::{Bed, DEMO, GoHome, SAYS};
use larder_tests::home::without_homes;
use larder_tests::said::said;
use larder_tests::secure::{Authority, Secure};
use larder_tests::tools::{fails, run};
use serde_json::json;
use std::path::PathBuf;
use std::process::Command;

/// A server behind TLS whose repositories are closed.
struct Closed {
    bed: Bed,
    front: Secure,
    file: PathBuf,
}

impl Closed {
    fn open() -> Option<Self> {
        let bed = Bed::without()?;
        bed.larder.close_everything();
        for name in ["maker", "reader", "stranger"] {
            bed.larder.make_user(name);
        }
        bed.larder.grant("user:reader", "go/*", "*", "reader");
        let front = Secure::start(bed.larder.address(), Authority::default(), false);
        let file = bed.larder.folder().join("authority.pem");
        std::fs::write(&file, front.authority().pem()).expect("a certificate");
        Some(Self { bed, front, file })
    }

    /// The address of the group, with these credentials in it.
    fn proxy(&self, credentials: &str) -> String {
        let url = self
            .front
            .url()
            .replacen("://", &format!("://{credentials}"), 1);
        format!("{url}go/main")
    }

    fn home(&self, credentials: &str) -> GoHome {
        self.trusting(self.bed.home_at(&self.proxy(credentials)))
    }

    fn trusting(&self, home: GoHome) -> GoHome {
        let home = home.with("SSL_CERT_FILE", &self.file.to_string_lossy());
        home.with("GOSUMDB", "off")
    }
}

/// The client gets a module, in a new program.
fn get(home: &GoHome, module: &str) -> Command {
    let at = home.program("user", &[], SAYS);
    home.command(&at, &["get", &format!("{module}@v1.0.0")])
}

#[test]
fn credentials_are_taken_in_all_forms_of_the_client() {
    let Some(closed) = Closed::open() else { return };
    let token = closed.bed.larder.token_of("reader");
    // In the address.
    run(&mut get(&closed.home(&format!("token:{token}@")), DEMO));
    // In netrc, where a machine has its port.
    let home = closed.home("");
    let front = closed.front.url();
    let host = front.trim_start_matches("https://").trim_end_matches('/');
    let netrc = format!("machine {host} login reader password {token}\n");
    std::fs::write(home.folder().join(".netrc"), netrc).expect("netrc");
    run(&mut get(&home, DEMO));
    // From a program that tells what to show at an address.
    let home = closed.home("");
    let script = home.folder().join("auth");
    let text = format!(
        "#!/bin/sh\ncat > /dev/null\nprintf '%s\\n\\nAuthorization: Bearer {token}\\n\\n' '{}'\n",
        closed.front.url().trim_end_matches('/')
    );
    std::fs::write(&script, text).expect("a program");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).expect("a program");
    let home = home.with("GOAUTH", &script.to_string_lossy());
    run(&mut get(&home, DEMO));
}

#[test]
fn go() {
    let Some(closed) = Closed::open() else { return };
    let larder = &closed.bed.larder;
    let token = larder.token_of("reader");
    let says = |situation: &str, text: &str| {
        let folder = larder.folder().display().to_string();
        let front = closed.front.url();
        let host = front.trim_start_matches("https://").trim_end_matches('/');
        let text = text.replace(&folder, "HOME").replace(host, larder.host());
        said("go", situation, &tell(&without_homes(&text, larder)));
    };
    let reader = format!("token:{token}@");
    let refused = |situation: &str, credentials: &str, module: &str| {
        says(
            situation,
            &fails(&mut get(&closed.home(credentials), module)),
        );
    };
    refused("not found", &reader, "demo.example/nowhere");
    refused("without a login", "", DEMO);
    refused("wrong token", "token:wrong@", DEMO);
    let stranger = larder.token_of("stranger");
    refused("without the right", &format!("token:{stranger}@"), DEMO);
    let blocked = json!({"blocked": [{"package": DEMO, "reason": "it steals passwords"}]});
    closed.bed.change("main", &blocked);
    refused("blocked by a rule", &reader, DEMO);
    let forged = larder_tests::modules::Modules::path("demo.example/Dep/v2", "v2.0.1.zip");
    closed.bed.upstream.put(&forged, "<html>Sign in</html>");
    let home = closed.home(&reader);
    let at = home.program("user", &[], SAYS);
    let get = &["get", "demo.example/Dep/v2@v2.0.1"];
    says("the upstream sends something else", &home.fails(&at, get));
    closed.bed.upstream.go();
    refused("upstream down, not kept", &reader, "demo.example/faraway");
    larder.api("PATCH", "settings", r#"{"offline":true}"#, 200);
    refused("offline, not kept", &reader, "demo.example/faraway");
}

/// The error, and what the server said.
fn tell(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let all: Vec<&str> = lines
        .by_ref()
        .filter(|line| !line.starts_with("go: downloading"))
        .collect();
    all.join("\n")
}
