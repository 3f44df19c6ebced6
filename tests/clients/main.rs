//! Real clients against the server: each pushes, pulls, lists and deletes, is refused, and tells
//! the person why in the words of `docs/errors.md`.

mod buildah;
mod buildkit;
mod cosign;
mod crane;
mod ctr;
mod docker;
mod helm;
mod house;
mod mirror;
mod oras;
mod podman;
mod regctl;
mod skopeo;

/// Words of the server that a person must find in what its client says.
mod words {
    pub(crate) const WRONG_PASSWORD: &str = "wrong user name, password or token";
    pub(crate) const NO_LOGIN: &str =
        "authentication required: log in with a user or token that may do this";
    pub(crate) const NO_WRITE: &str = "you may not write team/";
    pub(crate) const NO_DELETE: &str = "you may not delete team/";
    pub(crate) const NO_NAME: &str = "no such name here, or you may not see it";
    pub(crate) const NO_TAG: &str = "this image has no manifest none";
}

#[test]
fn every_row_of_the_docs_has_its_test() {
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests");
    for (client, rows) in larder_tests::said::recorded() {
        // What several clients have in common stands beside their own files.
        let word = client.split([' ', '-']).next().unwrap_or_default();
        let own = [
            format!("clients/{word}.rs"),
            format!("packages/{word}.rs"),
            format!("packages/{word}/refused.rs"),
            format!("packages/{word}/mirrored.rs"),
            format!("{word}/said.rs"),
            "packages/apt/told.rs".to_owned(), // Debian's other programs
        ];
        let own = own
            .map(|file| tests.join(file))
            .into_iter()
            .find(|file| file.is_file())
            .unwrap_or_else(|| panic!("{client} has no test"));
        let common = ["mirror.rs", "house.rs", "node.rs", "python.rs", "told.rs"];
        let common = common.map(|file| own.with_file_name(file));
        let read = |file: &std::path::PathBuf| std::fs::read_to_string(file).unwrap_or_default();
        let all = [tests.join("packages/house.rs"), own];
        let text: String = all.iter().chain(&common).map(read).collect();
        for (situation, _) in rows {
            assert!(
                text.contains(&format!("\"{situation}\"")),
                "docs/errors.md: {client} has no test of {situation}"
            );
        }
    }
}
