//! The lines by which clients get an image or a package from here, and what each protocol knows of
//! its versions.

use crate::address::segments;
use larder_model::{ProtocolName, RepoPath, client_key};

/// A line for a client.
pub(crate) struct Line {
    /// The client.
    pub(crate) client: &'static str,
    pub(crate) text: String,
}

fn line(client: &'static str, text: String) -> Line {
    Line { client, text }
}

/// A word as a shell takes it.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_./:=@%+,".contains(char);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// An address without its scheme, and whether that is HTTP without TLS.
fn host(base: &str) -> (&str, bool) {
    let host = base.split_once("://").map_or(base, |(_, host)| host);
    (host.trim_end_matches('/'), base.starts_with("http://"))
}

/// The name of an image here: `HOST/repo/image:tag`, or with a digest.
pub(crate) fn image_name(base: &str, repo: &RepoPath, image: &str, reference: &str) -> String {
    let sign = if reference.contains(':') { '@' } else { ':' };
    format!("{}/{}/{image}{sign}{reference}", host(base).0, repo.name)
}

/// How an image is pulled.
pub(crate) fn pulls(base: &str, repo: &RepoPath, image: &str, reference: &str) -> Vec<Line> {
    let name = image_name(base, repo, image, reference);
    let is_plain = host(base).1;
    let only_plain = |flag: &'static str| if is_plain { flag } else { "" };
    let last = image.rsplit('/').next().unwrap_or(image);
    // Where it goes: a tag has no colon, and of a digest the name is enough.
    let to = if reference.contains(':') {
        last.to_owned()
    } else {
        format!("{last}:{reference}")
    };
    vec![
        line("docker", format!("docker pull {name}")),
        line(
            "podman",
            format!("podman pull{} {name}", only_plain(" --tls-verify=false")),
        ),
        line(
            "skopeo",
            format!(
                "skopeo copy{} docker://{name} oci:{to}",
                only_plain(" --src-tls-verify=false")
            ),
        ),
        line(
            "crane",
            format!("crane pull{} {name} {last}.tar", only_plain(" --insecure")),
        ),
        line(
            "containerd",
            format!("ctr images pull{} {name}", only_plain(" --plain-http")),
        ),
    ]
}

/// How a package is installed from a repository; empty version: the newest. What is not published
/// here keeps the name of where it is from, where a client writes that down.
pub(crate) fn installs(
    base: &str,
    repo: &RepoPath,
    (package, hosted): (&str, bool),
    version: &str,
) -> Vec<Line> {
    let address = format!(
        "{}/{}/{}/",
        base.trim_end_matches('/'),
        repo.protocol,
        repo.name
    );
    let with = |sign: &str| match version {
        "" => package.to_owned(),
        version => format!("{package}{sign}{version}"),
    };
    match repo.protocol.0 {
        "cargo" if !hosted => vec![line("cargo", format!("cargo add {}", with("@")))],
        "cargo" => {
            let key = client_key(repo.name.as_str());
            let variable = key.replace('-', "_").to_uppercase();
            vec![line(
                "cargo",
                format!(
                    "CARGO_REGISTRIES_{variable}_INDEX=sparse+{address} cargo add {} --registry {key}",
                    with("@")
                ),
            )]
        }
        "npm" => vec![
            line(
                "npm",
                format!("npm install {} --registry={address}", with("@")),
            ),
            line(
                "pnpm",
                format!("pnpm add {} --registry={address}", with("@")),
            ),
        ],
        "pypi" => vec![
            line(
                "pip",
                format!("pip install --index-url {address}simple/ {}", with("==")),
            ),
            line(
                "uv",
                format!("uv pip install --index-url {address}simple/ {}", with("==")),
            ),
        ],
        "go" => vec![line(
            "go",
            format!(
                "GOPROXY={} go get {}",
                address.trim_end_matches('/'),
                with("@")
            ),
        )],
        "rpm" => vec![line("dnf", format!("dnf install {}", with("-")))],
        "composer" => vec![line("composer", format!("composer require {}", with(":")))],
        "deb" => vec![line("apt", format!("apt-get install {}", with("=")))],
        "git" => vec![line(
            "git",
            format!("git clone {address}{}.git", segments(package)),
        )],
        _ => Vec::new(),
    }
}

/// The client whose set-up is shown where a package is installed from.
pub(crate) fn client(protocol: ProtocolName) -> Option<&'static str> {
    match protocol.0 {
        "oci" => Some("docker"),
        "cargo" => Some("cargo"),
        "npm" => Some("npm"),
        "pypi" => Some("pip"),
        "rpm" => Some("dnf"),
        "go" => Some("go"),
        "composer" => Some("composer"),
        "deb" => Some("apt"),
        "git" => Some("git"),
        _ => None,
    }
}

/// How versions are yanked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Yanks {
    /// They are not.
    Never,
    /// Without a reason.
    Plainly,
    /// With one, or without.
    WithReason,
}

/// How a protocol's versions are yanked.
pub(crate) fn yanks(protocol: ProtocolName) -> Yanks {
    match protocol.0 {
        "cargo" => Yanks::Plainly,
        "pypi" => Yanks::WithReason,
        _ => Yanks::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repo(protocol: &str, name: &str) -> RepoPath {
        RepoPath::of(protocol, name).expect("a path")
    }

    fn texts(lines: Vec<Line>) -> Vec<String> {
        lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn images_are_pulled_by_tag_and_by_digest() {
        let team = repo("oci", "team");
        assert_eq!(
            texts(pulls("https://larder.example", &team, "app/web", "1.0")),
            [
                "docker pull larder.example/team/app/web:1.0",
                "podman pull larder.example/team/app/web:1.0",
                "skopeo copy docker://larder.example/team/app/web:1.0 oci:web:1.0",
                "crane pull larder.example/team/app/web:1.0 web.tar",
                "ctr images pull larder.example/team/app/web:1.0",
            ]
        );
        assert_eq!(
            texts(pulls("http://127.0.0.1:7070", &team, "web", "sha256:ab")),
            [
                "docker pull 127.0.0.1:7070/team/web@sha256:ab",
                "podman pull --tls-verify=false 127.0.0.1:7070/team/web@sha256:ab",
                "skopeo copy --src-tls-verify=false docker://127.0.0.1:7070/team/web@sha256:ab oci:web",
                "crane pull --insecure 127.0.0.1:7070/team/web@sha256:ab web.tar",
                "ctr images pull --plain-http 127.0.0.1:7070/team/web@sha256:ab",
            ]
        );
    }

    #[test]
    fn lines_of_packages_are_whole() {
        let base = "https://larder.example";
        for protocol in ["cargo", "npm", "pypi", "rpm", "go", "composer"] {
            let repo = repo(protocol, "main");
            for line in installs(base, &repo, ("left-pad", true), "1.0") {
                assert!(line.text.contains("left-pad"), "{}", line.text);
                assert!(line.text.contains("1.0"), "{}", line.text);
                let is_set_up_before = matches!(protocol, "rpm" | "composer");
                let address = format!("{base}/{protocol}/main");
                assert_eq!(
                    line.text.contains(&address),
                    !is_set_up_before,
                    "{}",
                    line.text
                );
            }
        }
        let git = texts(installs(base, &repo("git", "main"), ("a b/c'd", true), ""));
        assert_eq!(
            git,
            ["git clone https://larder.example/git/main/a%20b/c%27d.git"]
        );
        let newest = texts(installs(
            base,
            &repo("npm", "main"),
            ("@acme/app", false),
            "",
        ));
        let mirrored = texts(installs(
            base,
            &repo("cargo", "main"),
            ("serde", false),
            "1.0",
        ));
        assert_eq!(mirrored, ["cargo add serde@1.0"]);
        let team = texts(installs(base, &repo("cargo", "team"), ("own", true), ""));
        assert_eq!(
            team,
            [
                "CARGO_REGISTRIES_LARDER_TEAM_INDEX=sparse+https://larder.example/cargo/team/ \
                 cargo add own --registry larder-team"
            ]
        );
        assert_eq!(
            newest[0],
            format!("npm install @acme/app --registry={base}/npm/main/")
        );
    }
}
