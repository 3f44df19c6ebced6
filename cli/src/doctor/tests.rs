use super::*;
use larder_api::DiskSpace;

#[test]
fn a_repository_that_is_not_there_is_no_help() {
    let through = Finding::ok("client npm", "goes through npm/main");
    let finding = without_repo(through, "npm/main");
    assert_eq!(finding.state, State::Problem);
    assert_eq!(finding.fix.as_deref(), Some("larder repo list"));
    let around = |fix: &str| Finding::problem("client x", "nothing is set", fix);
    let docker = without_repo(
        around("larder connect docker oci/docker.io --write"),
        "oci/docker.io",
    );
    let fix = docker.fix.expect("fix");
    assert!(
        fix.starts_with("larder repo create oci/docker.io --upstream"),
        "{fix}"
    );
    assert!(
        fix.ends_with(" && larder connect docker oci/docker.io --write"),
        "{fix}"
    );
    let npm = without_repo(around("larder connect npm npm/main --write"), "npm/main");
    assert!(npm.fix.expect("fix").ends_with("one of larder repo list"));
}

#[test]
fn a_disk_is_full_before_it_is() {
    let disk = |free_bytes, total_bytes| {
        server::disk(Some(DiskSpace {
            free_bytes,
            total_bytes,
        }))
    };
    assert_eq!(disk(100 << 30, 200 << 30).state, State::Ok);
    assert_eq!(disk(1 << 30, 200 << 30).state, State::Problem);
    assert_eq!(disk(100 << 20, 1 << 30).state, State::Problem);
    assert_eq!(server::disk(None).state, State::Note);
    assert_eq!(
        disk(1 << 30, 2 << 30).detail,
        "1024 MiB of 2048 MiB are free"
    );
}
