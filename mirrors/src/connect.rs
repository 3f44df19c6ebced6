//! What each client must be told so that it asks a repo here: its file and the lines in it, word
//! for word.
//!
//! `$TOKEN` stands for the secret; some clients take it from the environment, in other places it is
//! to be written out.

use larder_model::{Kind, Problem, ProtocolName};
use serde::Serialize;

/// A repo, as a client is to see it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// `https://host[:port]`, without a trailing slash.
    pub origin: &'a str,
    /// What is spoken there.
    pub protocol: ProtocolName,
    /// Its name.
    pub repo: &'a str,
    /// Whether it mirrors an upstream.
    pub mirror: bool,
    /// Whether anyone may read it without credentials.
    pub public: bool,
}

/// Lines for one place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Part {
    /// The file; `None`: commands for a shell.
    pub file: Option<String>,
    /// What is to stand there.
    pub lines: Vec<String>,
    /// What a person should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
}

type Write = fn(&Target<'_>) -> Vec<Part>;

/// Each client, the protocol that it speaks, and who writes for it.
const CLIENTS: [(&str, &str, Write); 14] = [
    ("cargo", "cargo", cargo),
    ("npm", "npm", npm),
    ("pnpm", "npm", pnpm),
    ("yarn", "npm", yarn),
    ("bun", "npm", bun),
    ("pip", "pypi", pip),
    ("uv", "pypi", uv),
    ("poetry", "pypi", poetry),
    ("twine", "pypi", twine),
    ("dnf", "rpm", dnf),
    ("docker", "oci", docker),
    ("podman", "oci", podman),
    ("containerd", "oci", containerd),
    ("buildkit", "oci", buildkit),
];

const TOKEN: &str = "put a token in the place of $TOKEN: larder token create NAME";
const TOKEN_IN_ENVIRONMENT: &str =
    "$TOKEN is read from the environment; make a token with larder token create NAME";

/// The client of that name; fails if there is none.
pub fn client(name: &str) -> Result<&'static str, Problem> {
    let known = CLIENTS.iter().find(|(known, ..)| *known == name);
    known.map(|(known, ..)| *known).ok_or_else(|| {
        let names = CLIENTS.map(|(known, ..)| known).join(", ");
        Problem::not_found(
            "client",
            format!("there are no lines for such a client; there are for {names}"),
        )
    })
}

/// The lines for a client.
pub fn connect(name: &str, target: &Target<'_>) -> Result<Vec<Part>, Problem> {
    let name = client(name)?;
    let Some((_, protocol, write)) = CLIENTS.iter().find(|(known, ..)| *known == name) else {
        return Ok(Vec::new());
    };
    if *protocol != target.protocol.0 {
        let detail = format!(
            "{name} speaks {protocol}; this is a repository of {}",
            target.protocol
        );
        return Err(Problem::new(Kind::Invalid, "client", detail));
    }
    if name == "twine" && target.mirror {
        let detail = "twine only publishes, and nothing can be published to a mirror; name a hosted repository or a group";
        return Err(Problem::new(Kind::Invalid, "client", detail));
    }
    Ok(write(target))
}

impl Target<'_> {
    /// The repo's address, with a slash at its end.
    fn base(&self) -> String {
        format!("{}/{}/{}/", self.origin, self.protocol, self.repo)
    }

    /// Where Python packages are uploaded to.
    fn uploads(&self) -> String {
        format!("{}legacy/", self.base())
    }

    /// `host[:port]`.
    fn host(&self) -> &str {
        without_scheme(self.origin)
    }

    /// The repo's address with credentials in it, where they are needed.
    fn base_with_token(&self) -> String {
        if self.public {
            self.base()
        } else {
            self.base().replacen("://", "://token:$TOKEN@", 1)
        }
    }

    fn is_plain(&self) -> bool {
        self.origin.starts_with("http://")
    }

    /// Whether clients take plain http for it without being told: it does not leave the machine.
    fn is_local(&self) -> bool {
        let host = self.host();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        name == "localhost" || name == "[::1]" || name.starts_with("127.")
    }

    /// Whether clients must be told that there is no TLS.
    fn is_insecure(&self) -> bool {
        self.is_plain() && !self.is_local()
    }
}

fn part(file: &str, lines: impl IntoIterator<Item = String>) -> Part {
    Part {
        file: Some(file.to_owned()),
        lines: lines.into_iter().collect(),
        note: None,
    }
}

fn shell(lines: impl IntoIterator<Item = String>) -> Part {
    Part {
        file: None,
        lines: lines.into_iter().collect(),
        note: None,
    }
}

impl Part {
    fn noting(mut self, note: &'static str) -> Self {
        self.note = Some(note);
        self
    }

    /// With the note where credentials are needed.
    fn for_private(self, target: &Target<'_>, note: &'static str) -> Self {
        if target.public {
            self
        } else {
            self.noting(note)
        }
    }
}

fn cargo(target: &Target<'_>) -> Vec<Part> {
    let index = format!("\"sparse+{}\"", target.base());
    let mut lines = vec![
        "[source.crates-io]".to_owned(),
        "replace-with = \"larder\"".to_owned(),
        "[source.larder]".to_owned(),
        format!("registry = {index}"),
        "[registries.larder]".to_owned(),
        format!("index = {index}"),
    ];
    if !target.public {
        lines.extend(
            [
                "[registry]",
                "global-credential-providers = [\"cargo:token\"]",
            ]
            .map(str::to_owned),
        );
    }
    let mut parts = vec![part("~/.cargo/config.toml", lines)];
    if !target.public {
        parts.push(shell(["export CARGO_REGISTRIES_LARDER_TOKEN=$TOKEN".to_owned()]).noting(TOKEN));
    }
    parts
}

/// What npm and pnpm read alike.
fn npmrc(target: &Target<'_>) -> Vec<String> {
    let base = target.base();
    let mut lines = vec![format!("registry={base}")];
    if !target.public {
        lines.push(npm_token(&base));
    }
    lines
}

/// The line of an npmrc that has the token for an address.
fn npm_token(base: &str) -> String {
    format!("//{}:_authToken=${{TOKEN}}", without_scheme(base))
}

fn without_scheme(address: &str) -> &str {
    address.split_once("://").map_or(address, |(_, rest)| rest)
}

fn npm(target: &Target<'_>) -> Vec<Part> {
    let mut lines = npmrc(target);
    // Lockfiles that were written with another registry name that one.
    lines.push("replace-registry-host=always".to_owned());
    vec![part("~/.npmrc", lines).for_private(target, TOKEN_IN_ENVIRONMENT)]
}

fn pnpm(target: &Target<'_>) -> Vec<Part> {
    vec![part("~/.npmrc", npmrc(target)).for_private(target, TOKEN_IN_ENVIRONMENT)]
}

fn yarn(target: &Target<'_>) -> Vec<Part> {
    let base = target.base();
    let mut lines = vec![format!("npmRegistryServer: \"{base}\"")];
    if !target.public {
        lines.extend(["npmAuthToken: \"${TOKEN}\"", "npmAlwaysAuth: true"].map(str::to_owned));
    }
    if target.is_plain() {
        let host = target.host();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        lines.extend(["unsafeHttpWhitelist:".to_owned(), format!("  - \"{name}\"")]);
    }
    let berry = part("~/.yarnrc.yml", lines).for_private(target, TOKEN_IN_ENVIRONMENT);
    let mut parts = vec![
        berry,
        part("~/.yarnrc", [format!("registry \"{base}\"")]).noting("for yarn 1"),
    ];
    if !target.public {
        // It shows its token for names with a scope only, unless it is told.
        let lines = [
            npm_token(&base),
            format!("//{}:always-auth=true", without_scheme(&base)),
        ];
        parts.push(
            part("~/.npmrc", lines).noting("for yarn 1; $TOKEN is read from the environment"),
        );
    }
    parts
}

fn bun(target: &Target<'_>) -> Vec<Part> {
    let base = target.base();
    let registry = if target.public {
        format!("registry = \"{base}\"")
    } else {
        format!("registry = {{ url = \"{base}\", token = \"$TOKEN\" }}")
    };
    vec![
        part("~/.bunfig.toml", ["[install]".to_owned(), registry])
            .for_private(target, TOKEN_IN_ENVIRONMENT),
    ]
}

fn pip(target: &Target<'_>) -> Vec<Part> {
    let mut lines = vec![
        "[global]".to_owned(),
        format!("index-url = {}simple/", target.base_with_token()),
    ];
    if target.is_insecure() {
        lines.push(format!("trusted-host = {}", target.host()));
    }
    vec![part("~/.config/pip/pip.conf", lines).for_private(target, TOKEN)]
}

fn uv(target: &Target<'_>) -> Vec<Part> {
    let url = format!("url = \"{}simple/\"", target.base());
    let mut lines = vec![
        "[[index]]".to_owned(),
        "name = \"larder\"".to_owned(),
        url,
        "default = true".to_owned(),
    ];
    if !target.mirror {
        lines.push(format!("publish-url = \"{}\"", target.uploads()));
    }
    let mut parts = vec![part("~/.config/uv/uv.toml", lines)];
    if !target.public {
        let mut lines = vec![
            "export UV_INDEX_LARDER_USERNAME=token",
            "export UV_INDEX_LARDER_PASSWORD=$TOKEN",
        ];
        if !target.mirror {
            lines.push("export UV_PUBLISH_TOKEN=$TOKEN");
        }
        parts.push(shell(lines.into_iter().map(str::to_owned)).noting(TOKEN));
    }
    parts
}

fn poetry(target: &Target<'_>) -> Vec<Part> {
    let lines = [
        "[[tool.poetry.source]]".to_owned(),
        "name = \"larder\"".to_owned(),
        format!("url = \"{}simple/\"", target.base()),
        "priority = \"primary\"".to_owned(),
    ];
    let mut commands = Vec::new();
    if !target.mirror {
        commands.push(format!(
            "poetry config repositories.larder {}",
            target.uploads()
        ));
    }
    if !target.public {
        commands.push("poetry config http-basic.larder token $TOKEN".to_owned());
    }
    let mut parts = vec![part("pyproject.toml", lines)];
    if !commands.is_empty() {
        parts.push(shell(commands).for_private(target, TOKEN));
    }
    parts
}

fn twine(target: &Target<'_>) -> Vec<Part> {
    let mut lines = vec![
        "[distutils]".to_owned(),
        "index-servers = larder".to_owned(),
        "[larder]".to_owned(),
        format!("repository = {}", target.uploads()),
        "username = token".to_owned(),
    ];
    if !target.public {
        lines.push("password = $TOKEN".to_owned());
    }
    vec![part("~/.pypirc", lines).for_private(target, TOKEN)]
}

fn dnf(target: &Target<'_>) -> Vec<Part> {
    const BELOW: &str = "append to baseurl what follows the upstream's address there, e.g. $releasever/$basearch/os/; \
                         gpgkey is the distribution's own";
    const BELOW_AND_TOKEN: &str = "append to baseurl what follows the upstream's address there, e.g. $releasever/$basearch/os/; \
                                   gpgkey is the distribution's own; put a token in the place of $TOKEN: \
                                   larder token create NAME";
    let repo = target.repo;
    let mut lines = vec![
        format!("[larder-{repo}]"),
        format!("name=larder-{repo}"),
        format!("baseurl={}", target.base()),
        "enabled=1".to_owned(),
        "gpgcheck=1".to_owned(),
    ];
    if !target.public {
        lines.extend(["username=token", "password=$TOKEN"].map(str::to_owned));
    }
    let file = part(&format!("/etc/yum.repos.d/larder-{repo}.repo"), lines);
    vec![file.noting(BELOW).for_private(target, BELOW_AND_TOKEN)]
}

/// Logging in where that is needed, and a first pull.
fn log_in_and_pull(program: &str, target: &Target<'_>) -> Part {
    let host = target.host();
    let mut lines = Vec::new();
    if !target.public {
        lines.push(format!(
            "echo $TOKEN | {program} login --username token --password-stdin {host}"
        ));
    }
    lines.push(format!("{program} pull {host}/{}/IMAGE:TAG", target.repo));
    shell(lines).for_private(target, TOKEN)
}

fn docker(target: &Target<'_>) -> Vec<Part> {
    const HUB: &str = "docker takes mirrors for docker.io alone, and shows them no credentials; this one must be the server's \
                       oci.default_mirror";
    let mut settings = Vec::new();
    if target.mirror && target.repo == "docker.io" {
        settings.push(format!("\"registry-mirrors\": [\"{}\"]", target.origin));
    }
    if target.is_insecure() {
        settings.push(format!("\"insecure-registries\": [\"{}\"]", target.host()));
    }
    let mut parts = Vec::new();
    if !settings.is_empty() {
        let daemon = part(
            "/etc/docker/daemon.json",
            [format!("{{{}}}", settings.join(", "))],
        );
        parts.push(if target.mirror && target.repo == "docker.io" {
            daemon.noting(HUB)
        } else {
            daemon
        });
    }
    parts.push(log_in_and_pull("docker", target));
    parts
}

fn podman(target: &Target<'_>) -> Vec<Part> {
    let (host, repo) = (target.host(), target.repo);
    let mut lines = vec!["[[registry]]".to_owned()];
    if target.mirror {
        lines.extend([
            format!("prefix = \"{repo}\""),
            format!("location = \"{host}/{repo}\""),
        ]);
    } else {
        lines.extend([
            format!("prefix = \"{host}\""),
            format!("location = \"{host}\""),
        ]);
    }
    if target.is_plain() {
        lines.push("insecure = true".to_owned());
        if target.mirror && !target.public {
            // Logging in is at the host.
            let more = [
                "[[registry]]",
                &format!("location = \"{host}\""),
                "insecure = true",
            ];
            lines.extend(more.map(str::to_owned));
        }
    }
    let mut parts = Vec::new();
    if target.mirror || target.is_plain() {
        parts.push(part("/etc/containers/registries.conf.d/larder.conf", lines));
    }
    parts.push(log_in_and_pull("podman", target));
    parts
}

fn containerd(target: &Target<'_>) -> Vec<Part> {
    const SWITCH: &str = "containerd reads these files if config_path is /etc/containerd/certs.d";
    let (origin, host, repo) = (target.origin, target.host(), target.repo);
    let mut manner = Vec::new();
    let (folder, address, may) = if target.mirror {
        manner.push("override_path = true");
        (repo, format!("{origin}/v2/{repo}"), r#""pull", "resolve""#)
    } else {
        (host, origin.to_owned(), r#""pull", "resolve", "push""#)
    };
    if !target.public {
        manner.push("header.authorization = \"Basic $BASIC\"");
    }
    // It is the server too: what is refused here is not to be had from the upstream instead.
    let mut lines = vec![format!("server = \"{address}\"")];
    lines.extend(manner.iter().map(ToString::to_string));
    lines.extend([
        format!("[host.\"{address}\"]"),
        format!("capabilities = [{may}]"),
    ]);
    lines.extend(manner.iter().map(ToString::to_string));
    let mut parts = vec![
        part(
            &format!("/etc/containerd/certs.d/{folder}/hosts.toml"),
            lines,
        )
        .noting(SWITCH),
    ];
    if !target.public {
        let command = "printf token:%s $TOKEN | base64 -w0";
        parts.push(
            shell([command.to_owned()])
                .noting("what it prints stands for $BASIC; a token: larder token create NAME"),
        );
    }
    parts
}

fn buildkit(target: &Target<'_>) -> Vec<Part> {
    const CREDENTIALS: &str =
        "buildkit shows the credentials of the client that builds: larder connect docker";
    let mut lines = Vec::new();
    if target.mirror {
        let mirror = format!("mirrors = [\"{}/{}\"]", target.host(), target.repo);
        lines.extend([format!("[registry.\"{}\"]", target.repo), mirror]);
    }
    if target.is_plain() || !target.mirror {
        lines.extend([
            format!("[registry.\"{}\"]", target.host()),
            format!("http = {}", target.is_plain()),
        ]);
    }
    vec![part("/etc/buildkit/buildkitd.toml", lines).for_private(target, CREDENTIALS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything for every client, as people see it.
    fn all(origin: &str, public: bool, mirror: bool) -> String {
        let mut out = String::new();
        for (client, protocol, _) in CLIENTS
            .into_iter()
            .filter(|(client, ..)| !mirror || *client != "twine")
        {
            let repo = if mirror && protocol == "oci" {
                "docker.io"
            } else {
                "main"
            };
            let target = Target {
                origin,
                protocol: ProtocolName(protocol),
                repo,
                mirror,
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
    fn lines_are_these() {
        let mut said = String::new();
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
            said.push_str(&format!("#### {title}\n{}\n", all(origin, public, mirror)));
        }
        assert_eq!(
            said,
            include_str!("../testdata/connect.txt"),
            "what it is now:\n{said}"
        );
    }

    #[test]
    fn clients_speak_one_protocol() {
        let target = |protocol| Target {
            origin: "https://larder.example",
            protocol: ProtocolName(protocol),
            repo: "main",
            mirror: false,
            public: true,
        };
        let told = connect("npm", &target("cargo")).expect_err("wrong protocol");
        assert_eq!(
            (told.kind, &*told.detail),
            (
                Kind::Invalid,
                "npm speaks npm; this is a repository of cargo"
            )
        );
        let told = connect(
            "twine",
            &Target {
                mirror: true,
                ..target("pypi")
            },
        )
        .expect_err("a mirror");
        assert_eq!(told.kind, Kind::Invalid);
        let told = connect("gem", &target("cargo")).expect_err("no client");
        assert_eq!((told.kind, told.about), (Kind::NotFound, "client"));
    }
}
