//! Real clients against the server: each pushes, pulls, lists and deletes, is refused, and tells the person why in the words of
//! `docs/clients.md`.

mod buildah;
mod cosign;
mod crane;
mod ctr;
mod docker;
mod helm;
mod house;
mod oras;
mod podman;
mod regctl;
mod skopeo;

/// Words of the server that a person must find in what its client says.
mod words {
    pub(crate) const WRONG_PASSWORD: &str = "wrong user name, password or token";
    pub(crate) const NO_LOGIN: &str = "authentication required: log in with a user or token that may do this";
    pub(crate) const NO_WRITE: &str = "you may not write team/";
    pub(crate) const NO_DELETE: &str = "you may not delete team/";
    pub(crate) const NO_NAME: &str = "no such name here, or you may not see it";
    pub(crate) const NO_TAG: &str = "this image has no manifest none";
}

#[test]
fn every_row_of_the_docs_has_its_test() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/clients");
    for (client, rows) in larder_tests::said::recorded() {
        let file = folder.join(format!("{client}.rs"));
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for (situation, _) in rows {
            assert!(text.contains(&format!("\"{situation}\"")), "docs/clients.md: {client} has no test of {situation}");
        }
    }
}
