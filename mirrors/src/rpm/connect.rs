//! Configuration of dnf.

use crate::connect::{Client, Part, Target, authority, part};

/// The clients of this protocol.
pub(super) const CLIENTS: &[Client] = &[Client::new(
    "dnf",
    "dnf --disablerepo='*' --enablerepo=larder-$REPO makecache",
    dnf,
)];

const BELOW: &str = "append to baseurl what follows the upstream's address there, \
     e.g. $releasever/$basearch/os/; gpgkey is the distribution's own";
const TOKEN: &str = "replace $TOKEN by a token: larder token create NAME";

fn dnf(target: &Target<'_>) -> Vec<Part> {
    let repo = target.repo;
    let mut lines = vec![
        format!("[larder-{repo}]"),
        format!("name=larder-{repo}"),
        format!("baseurl={}", target.base()),
        "enabled=1".to_owned(),
        "gpgcheck=1".to_owned(),
    ];
    if !target.is_public() {
        lines.extend(["username=token", "password=$TOKEN"].map(str::to_owned));
    }
    let mut parts = Vec::new();
    let file = format!("/etc/pki/larder-{repo}-ca.crt");
    if let Some(certificate) = authority(target, &file) {
        parts.push(certificate);
        lines.push(format!("sslcacert={file}"));
    }
    let config = part(&format!("/etc/yum.repos.d/larder-{repo}.repo"), lines);
    let config = if target.is_beside() {
        config
    } else {
        config.with_note(BELOW)
    };
    parts.push(config.for_private(target, "dnf", TOKEN));
    parts
}
