use super::*;
use crate::connect::Open;
use larder_model::Kind;

/// A server, and a repository of it.
const WITH_TLS: Target<'_> = Target {
    origin: "https://larder.example",
    protocol: ProtocolName::OCI,
    repo: "main",
    kind: RepoKind::Group,
    open: Open::Wholly,
    authority: None,
    keys: None,
    default_mirror: false,
    upstream: None,
};
const WITHOUT_TLS: Target<'_> = Target {
    origin: "http://larder.example:7070",
    ..WITH_TLS
};

/// Everything for every client, as people see it.
fn all(target: &Target<'_>) -> String {
    let mut out = String::new();
    let is_mirror = target.kind == RepoKind::Mirror;
    for (protocol, client) in clients().filter(|(_, client)| !is_mirror || !client.publishes_only) {
        let client = client.name;
        let is_images = protocol == ProtocolName::OCI;
        let repo = match target.kind {
            RepoKind::Mirror if is_images => "docker.io",
            RepoKind::Hosted => "team",
            _ => "main",
        };
        let target = Target {
            protocol,
            repo,
            ..*target
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
    let pem = "-----BEGIN CERTIFICATE-----\nbGFyZGVy\n-----END CERTIFICATE-----\n";
    let mirror = Target {
        kind: RepoKind::Mirror,
        ..WITH_TLS
    };
    let hosted = Target {
        kind: RepoKind::Hosted,
        open: Open::Closed,
        ..WITH_TLS
    };
    let mut text = String::new();
    for (title, target) in [
        ("public group", WITH_TLS),
        (
            "group of which a part is public",
            Target {
                open: Open::Partly,
                ..WITH_TLS
            },
        ),
        (
            "private mirror",
            Target {
                open: Open::Closed,
                ..mirror
            },
        ),
        (
            "mirror without TLS",
            Target {
                kind: RepoKind::Mirror,
                default_mirror: true,
                ..WITHOUT_TLS
            },
        ),
        ("published to", hosted),
        (
            "published to, without TLS",
            Target {
                origin: "http://127.0.0.1:7070",
                ..hosted
            },
        ),
        (
            "an authority of its own, public group",
            Target {
                authority: Some(pem),
                ..WITH_TLS
            },
        ),
        (
            "an authority of its own, mirror",
            Target {
                authority: Some(pem),
                ..mirror
            },
        ),
        (
            "an authority of its own, published to",
            Target {
                authority: Some(pem),
                ..hosted
            },
        ),
    ] {
        text.push_str(&format!("#### {title}\n{}\n", all(&target)));
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
        protocol: ProtocolName(protocol),
        ..WITH_TLS
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
            kind: RepoKind::Mirror,
            ..target("pypi")
        },
    )
    .expect_err("a mirror");
    assert_eq!(problem.kind, Kind::Invalid);
    let problem = connect("gem", &target("cargo")).expect_err("no client");
    assert_eq!((problem.kind, problem.about), (Kind::NotFound, "client"));
}

#[test]
fn two_repositories_of_a_client_have_two_names() {
    // What names a registry in each configuration that has such names.
    for (client, protocol, name) in [
        ("cargo", "cargo", "[registries."),
        ("cargo", "cargo", "export CARGO_REGISTRIES_"),
        ("uv", "pypi", "name = "),
        ("uv", "pypi", "export UV_INDEX_"),
        ("poetry", "pypi", "name = "),
        ("poetry", "pypi", "poetry config repositories."),
        ("poetry", "pypi", "poetry config http-basic."),
        ("twine", "pypi", "index-servers = "),
        (
            "composer",
            "composer",
            "composer config --global repositories.",
        ),
        ("dnf", "rpm", "[larder-"),
    ] {
        let names = ["main", "team", "test"].map(|repo| {
            let target = Target {
                protocol: ProtocolName(protocol),
                repo,
                kind: RepoKind::Hosted,
                open: Open::Closed,
                ..WITH_TLS
            };
            let parts = connect(client, &target).expect(client);
            let mut lines = parts.into_iter().flat_map(|part| part.lines);
            let line = lines.find(|line| line.starts_with(name)).expect(name);
            let end = line[name.len()..].find([' ', '=', ']']);
            end.map_or(line.clone(), |end| line[..name.len() + end].to_owned())
        });
        let [one, other, third] = &names;
        assert!(one != other && other != third && one != third, "{names:?}");
    }
}
