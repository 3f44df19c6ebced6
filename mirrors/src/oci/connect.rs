//! Configuration of docker, podman, containerd, skopeo, crane and buildkit.

use crate::connect::{Client, Part, TOKEN, Target, part, shell};
use larder_model::image::registry_name_of;

/// The clients of this protocol.
pub(super) const CLIENTS: &[Client] = &[
    Client::new("docker", "", docker),
    Client::new("podman", "", podman),
    Client::new(
        "containerd",
        "ctr images pull --hosts-dir /etc/containerd/certs.d $HOST/$REPO/$PACKAGE:$VERSION",
        containerd,
    ),
    Client::new("skopeo", "", skopeo),
    Client::new("crane", "", crane),
    Client::new("buildkit", "", buildkit),
];

/// How clients call the registry that is mirrored: a mirror that is not named after one is called as its
/// upstream's host and port.
fn registry(target: &Target<'_>) -> String {
    let upstream = target.upstream.filter(|_| !target.repo.contains('.'));
    upstream
        .and_then(registry_name_of)
        .unwrap_or_else(|| target.repo.to_owned())
}

/// Commands: a login, if one is needed, and a first pull.
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
    const HUB: &str = "docker uses mirrors for docker.io only, and sends them no credentials; \
        this one must be the server's oci.default_mirror";
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
            daemon.with_note(HUB)
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
            format!("prefix = \"{}\"", registry(target)),
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
            // The login is for the host.
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
    let mut settings = Vec::new();
    let (folder, address, capabilities) = if target.mirror {
        settings.push("override_path = true");
        let address = format!("{origin}/v2/{repo}");
        (registry(target), address, r#""pull", "resolve""#)
    } else {
        let (folder, address) = (host.to_owned(), origin.to_owned());
        (folder, address, r#""pull", "resolve", "push""#)
    };
    if !target.public {
        settings.push("header.authorization = \"Basic $BASIC\"");
    }
    // It is the server, too, so that containerd does not fetch from the upstream what is refused
    // here.
    let mut lines = vec![format!("server = \"{address}\"")];
    lines.extend(settings.iter().map(ToString::to_string));
    lines.extend([
        format!("[host.\"{address}\"]"),
        format!("capabilities = [{capabilities}]"),
    ]);
    lines.extend(settings.iter().map(ToString::to_string));
    let mut parts = vec![
        part(
            &format!("/etc/containerd/certs.d/{folder}/hosts.toml"),
            lines,
        )
        .with_note(SWITCH),
    ];
    if !target.public {
        let command = "printf token:%s $TOKEN | base64 -w0";
        parts.push(shell([command.to_owned()]).with_note(
            "put what it prints in place of $BASIC; create a token with larder token create NAME",
        ));
    }
    parts
}

fn skopeo(target: &Target<'_>) -> Vec<Part> {
    let plain = if target.is_plain() {
        " --tls-verify=false"
    } else {
        ""
    };
    let (host, repo) = (target.host(), target.repo);
    let mut lines = Vec::new();
    if !target.public {
        lines.push(format!(
            "echo $TOKEN | skopeo login{plain} --username token --password-stdin {host}"
        ));
    }
    let plain = plain.replace("--tls", "--src-tls");
    lines.push(format!(
        "skopeo copy{plain} docker://{host}/{repo}/IMAGE:TAG oci-archive:image.tar"
    ));
    vec![shell(lines).for_private(target, TOKEN)]
}

fn crane(target: &Target<'_>) -> Vec<Part> {
    // It speaks plain HTTP to this machine by itself.
    let plain = if target.is_insecure() {
        " --insecure"
    } else {
        ""
    };
    let (host, repo) = (target.host(), target.repo);
    let mut lines = Vec::new();
    if !target.public {
        lines.push(format!(
            "echo $TOKEN | crane auth login{plain} --username token --password-stdin {host}"
        ));
    }
    lines.push(format!(
        "crane pull{plain} {host}/{repo}/IMAGE:TAG image.tar"
    ));
    vec![shell(lines).for_private(target, TOKEN)]
}

fn buildkit(target: &Target<'_>) -> Vec<Part> {
    const CREDENTIALS: &str =
        "buildkit sends the credentials of the client that builds: larder connect docker";
    let mut lines = Vec::new();
    if target.mirror {
        let mirror = format!("mirrors = [\"{}/{}\"]", target.host(), target.repo);
        lines.extend([format!("[registry.\"{}\"]", registry(target)), mirror]);
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
mod tests;
