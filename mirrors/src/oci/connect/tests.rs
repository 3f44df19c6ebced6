use super::*;
use crate::connect::Open;
use larder_model::{ProtocolName, RepoKind};

#[test]
fn clients_call_a_mirrored_registry_by_its_host_and_port() {
    for (repo, upstream, name) in [
        ("quay.io", Some("https://quay.io/"), "quay.io"),
        (
            "docker.io",
            Some("https://registry-1.docker.io/"),
            "docker.io",
        ),
        // Named after a registry that is mirrored through another mirror.
        ("docker.io", Some("http://10.0.0.1:5000/"), "docker.io"),
        ("hub", Some("https://registry-1.docker.io/"), "docker.io"),
        (
            "corp",
            Some("http://registry.corp:5000/"),
            "registry.corp:5000",
        ),
        ("corp", None, "corp"),
    ] {
        let target = Target {
            origin: "https://larder.example",
            protocol: ProtocolName::OCI,
            repo,
            kind: RepoKind::Mirror,
            upstream,
            open: Open::Wholly,
            authority: None,
            keys: None,
            default_mirror: false,
        };
        let folder = format!("/etc/containerd/certs.d/{name}/hosts.toml");
        assert_eq!(containerd(&target)[0].file.as_deref(), Some(&*folder));
        let here = format!("https://larder.example/v2/{repo}");
        assert!(
            containerd(&target)[0]
                .lines
                .contains(&format!("server = \"{here}\""))
        );
        let podman = podman(&target)[0].lines.clone();
        assert!(
            podman.contains(&format!("prefix = \"{name}\"")),
            "{podman:?}"
        );
        let buildkit = buildkit(&target)[0].lines.clone();
        assert!(
            buildkit.contains(&format!("[registry.\"{name}\"]")),
            "{buildkit:?}"
        );
    }
}
