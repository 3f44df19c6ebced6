use super::*;
use larder_model::Kind;

/// Everything for every client, as people see it.
fn all(origin: &str, public: bool, mirror: bool) -> String {
    let mut out = String::new();
    for (protocol, client) in clients().filter(|(_, client)| !mirror || !client.publishes_only) {
        let client = client.name;
        let repo = if mirror && protocol == ProtocolName::OCI {
            "docker.io"
        } else {
            "main"
        };
        let target = Target {
            origin,
            protocol,
            repo,
            mirror,
            upstream: None,
            public,
        };
        for part in connect(client, &target).expect(client) {
            let note = part
                .note
                .map_or(String::new(), |note| format!("  ({note})"));
            out.push_str(&format!(
                "== {client}: {}{note}\n",
                part.file.as_deref().unwrap_or("shell")
            ));
            out.extend(part.lines.iter().flat_map(|line| [line, "\n"]));
        }
    }
    out
}

#[test]
fn the_configuration_of_all_clients_is_the_expected_one() {
    let mut text = String::new();
    for (title, origin, public, mirror) in [
        ("public", "https://larder.example", true, false),
        ("private mirror", "https://larder.example", false, true),
        (
            "mirror without TLS",
            "http://larder.example:7070",
            true,
            true,
        ),
        ("private without TLS", "http://127.0.0.1:7070", false, false),
    ] {
        text.push_str(&format!("#### {title}\n{}\n", all(origin, public, mirror)));
    }
    assert_eq!(
        text,
        include_str!("testdata/connect.txt"),
        "what it is now:\n{text}"
    );
}

#[test]
fn clients_speak_one_protocol() {
    let target = |protocol| Target {
        origin: "https://larder.example",
        protocol: ProtocolName(protocol),
        repo: "main",
        mirror: false,
        upstream: None,
        public: true,
    };
    let problem = connect("npm", &target("cargo")).expect_err("wrong protocol");
    assert_eq!(
        (problem.kind, &*problem.detail),
        (
            Kind::Invalid,
            "npm uses the protocol npm; this repository's protocol is cargo"
        )
    );
    let problem = connect(
        "twine",
        &Target {
            mirror: true,
            ..target("pypi")
        },
    )
    .expect_err("a mirror");
    assert_eq!(problem.kind, Kind::Invalid);
    let problem = connect("gem", &target("cargo")).expect_err("no client");
    assert_eq!((problem.kind, problem.about), (Kind::NotFound, "client"));
}
