//! Configuration of dnf.

use crate::connect::{Client, Part, Target, part};

/// The clients of this protocol.
pub(super) const CLIENTS: &[Client] = &[Client::new(
    "dnf",
    "dnf --disablerepo='*' --enablerepo=larder-$REPO makecache",
    dnf,
)];

fn dnf(target: &Target<'_>) -> Vec<Part> {
    const BELOW: &str = "append to baseurl what follows the upstream's address there, \
        e.g. $releasever/$basearch/os/; gpgkey is the distribution's own";
    const BELOW_AND_TOKEN: &str = "append to baseurl what follows the upstream's address there, \
        e.g. $releasever/$basearch/os/; gpgkey is the distribution's own; \
        replace $TOKEN by a token: larder token create NAME";
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
    vec![file.with_note(BELOW).for_private(target, BELOW_AND_TOKEN)]
}
