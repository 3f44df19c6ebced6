//! Configuration of docker, podman, containerd, skopeo, crane and buildkit.

use crate::connect::{Client, Part, TOKEN, Target, authority, authority_file, part, shell};
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
    if !target.is_public() {
        lines.push(format!(
            "echo $TOKEN | {program} login --username token --password-stdin {host}"
        ));
    }
    lines.push(format!("{program} pull {host}/{}/IMAGE:TAG", target.repo));
    shell(lines).for_private(target, program, TOKEN)
}

/// The certificate of the server's authority below a folder `certs.d`, where clients look.
fn trusted_host(target: &Target<'_>, folder: &str) -> Option<Part> {
    let (host, repo) = (target.host(), target.repo);
    authority(
        target,
        &format!("{folder}/certs.d/{host}/larder-{repo}.crt"),
    )
}

fn docker(target: &Target<'_>) -> Vec<Part> {
    let is_hub = target.is_mirror() && target.repo == "docker.io";
    let mut settings = Vec::new();
    if is_hub {
        settings.push(format!("\"registry-mirrors\": [\"{}\"]", target.origin));
    }
    if target.is_insecure() {
        settings.push(format!("\"insecure-registries\": [\"{}\"]", target.host()));
    }
    let mut parts: Vec<Part> = trusted_host(target, "/etc/docker").into_iter().collect();
    if !settings.is_empty() {
        let daemon = part(
            "/etc/docker/daemon.json",
            [format!("{{{}}}", settings.join(", "))],
        );
        parts.push(if is_hub {
            daemon.with_note(hub_note(target))
        } else {
            daemon
        });
    }
    parts.push(log_in_and_pull("docker", target));
    parts
}

/// What docker does with a mirror, and whether the server answers it as one.
fn hub_note(target: &Target<'_>) -> String {
    let setting = if target.default_mirror {
        "this one is the server's oci.default_mirror, as it must be"
    } else {
        "this one must become the server's: larder settings set oci.default_mirror=docker.io"
    };
    format!("docker uses mirrors for docker.io only, and sends them no credentials; {setting}")
}

fn podman(target: &Target<'_>) -> Vec<Part> {
    let (host, repo) = (target.host(), target.repo);
    let mut lines = Vec::new();
    let insecure = target.is_plain().then(|| "insecure = true".to_owned());
    if target.is_mirror() {
        lines.extend([
            "[[registry]]".to_owned(),
            format!("prefix = \"{}\"", registry(target)),
            format!("location = \"{host}/{repo}\""),
        ]);
        lines.extend(insecure.clone());
    }
    // Logins, and images that are named by this server's name.
    if let Some(insecure) = insecure {
        lines.extend([
            "[[registry]]".to_owned(),
            format!("location = \"{host}\""),
            insecure,
        ]);
    }
    let mut parts: Vec<Part> = trusted_host(target, "/etc/containers")
        .into_iter()
        .collect();
    if !lines.is_empty() {
        let file = format!("/etc/containers/registries.conf.d/larder-{repo}.conf");
        parts.push(part(&file, lines));
    }
    parts.push(log_in_and_pull("podman", target));
    parts
}

fn containerd(target: &Target<'_>) -> Vec<Part> {
    const SWITCH: &str = "containerd reads these files if config_path is /etc/containerd/certs.d";
    let (origin, host, repo) = (target.origin, target.host(), target.repo);
    let mut settings = Vec::new();
    let (folder, address, capabilities) = if target.is_mirror() {
        settings.push("override_path = true".to_owned());
        let address = format!("{origin}/v2/{repo}");
        (registry(target), address, r#""pull", "resolve""#)
    } else {
        let (folder, address) = (host.to_owned(), origin.to_owned());
        (folder, address, r#""pull", "resolve", "push""#)
    };
    let folder = format!("/etc/containerd/certs.d/{folder}");
    let mut parts = Vec::new();
    let file = format!("{folder}/larder-ca.crt");
    if let Some(certificate) = authority(target, &file) {
        parts.push(certificate);
        settings.push(format!("ca = \"{file}\""));
    }
    if !target.is_public() {
        settings.push("header.authorization = \"Basic $BASIC\"".to_owned());
    }
    // It is the server, too, so that containerd does not fetch from the upstream what is refused
    // here.
    let mut lines = vec![format!("server = \"{address}\"")];
    lines.extend(settings.iter().cloned());
    lines.extend([
        format!("[host.\"{address}\"]"),
        format!("capabilities = [{capabilities}]"),
    ]);
    lines.extend(settings);
    parts.push(part(&format!("{folder}/hosts.toml"), lines).with_note(SWITCH));
    if !target.is_public() {
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
    if !target.is_public() {
        lines.push(format!(
            "echo $TOKEN | skopeo login{plain} --username token --password-stdin {host}"
        ));
    }
    let plain = plain.replace("--tls", "--src-tls");
    lines.push(format!(
        "skopeo copy{plain} docker://{host}/{repo}/IMAGE:TAG oci-archive:image.tar"
    ));
    let mut parts: Vec<Part> = trusted_host(target, "/etc/containers")
        .into_iter()
        .collect();
    parts.push(shell(lines).for_private(target, "skopeo", TOKEN));
    parts
}

fn crane(target: &Target<'_>) -> Vec<Part> {
    // It speaks plain HTTP to this machine by itself.
    let plain = if target.is_insecure() {
        " --insecure"
    } else {
        ""
    };
    let (host, repo) = (target.host(), target.repo);
    let (mut parts, mut lines) = (Vec::new(), Vec::new());
    let file = authority_file("crane");
    if let Some(certificate) = authority(target, &file) {
        parts.push(certificate);
        lines.push(format!("export SSL_CERT_FILE={file}"));
    }
    if !target.is_public() {
        lines.push(format!(
            "echo $TOKEN | crane auth login{plain} --username token --password-stdin {host}"
        ));
    }
    lines.push(format!(
        "crane pull{plain} {host}/{repo}/IMAGE:TAG image.tar"
    ));
    parts.push(shell(lines).for_private(target, "crane", TOKEN));
    parts
}

fn buildkit(target: &Target<'_>) -> Vec<Part> {
    const CREDENTIALS: &str =
        "buildkit sends the credentials of the client that builds: larder connect docker";
    const CA: &str = "/etc/buildkit/larder-ca.crt";
    let certificate = authority(target, CA);
    let mut lines = Vec::new();
    if target.is_mirror() {
        let mirror = format!("mirrors = [\"{}/{}\"]", target.host(), target.repo);
        lines.extend([format!("[registry.\"{}\"]", registry(target)), mirror]);
    }
    if target.is_plain() || !target.is_mirror() || certificate.is_some() {
        lines.extend([
            format!("[registry.\"{}\"]", target.host()),
            format!("http = {}", target.is_plain()),
        ]);
    }
    if certificate.is_some() {
        lines.push(format!("ca = [\"{CA}\"]"));
    }
    let config = part("/etc/buildkit/buildkitd.toml", lines);
    let config = config.for_private(target, "buildkit", CREDENTIALS);
    certificate.into_iter().chain([config]).collect()
}

#[cfg(test)]
mod tests;
