//! The server with its people, as every client finds it.

use larder_tests::larder::PASSWORD;
use larder_tests::said::{normal, said};
use larder_tests::{Larder, Start};
use std::path::{Path, PathBuf};

/// A server where `writer` maintains `oci/team` and `oci/open`, `reader` reads `oci/team`,
/// `stranger` may nothing, and anybody reads `oci/open`.
pub(crate) struct House {
    pub(crate) larder: Larder,
    home: PathBuf,
    client: &'static str,
}

impl House {
    /// Opens one for a client.
    pub(crate) fn open(client: &'static str) -> Self {
        let larder = Start::of(env!("CARGO_BIN_EXE_larder")).start();
        for user in ["writer", "reader", "stranger"] {
            larder.make_user(user);
        }
        let maintained = [("user:writer", "oci/team"), ("user:writer", "oci/open")];
        let read = [("user:reader", "oci/team"), ("anonymous", "oci/open")];
        let all = maintained
            .map(|grant| (grant, "maintainer"))
            .into_iter()
            .chain(read.map(|grant| (grant, "reader")));
        for ((subject, repository), role) in all {
            larder.grant(subject, repository, "*", role);
        }
        let home = larder.folder().join("home");
        std::fs::create_dir(&home).expect("home");
        Self {
            larder,
            home,
            client,
        }
    }

    /// The temporary folder that is the client's home.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// The client's whole name of an image, e.g. `team/app:1`.
    pub(crate) fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.larder.host())
    }

    /// A user's name and password, as many clients take them.
    pub(crate) fn credentials(name: &str) -> String {
        format!("{name}:{PASSWORD}")
    }

    /// The server's manifest and its digest.
    #[track_caller]
    pub(crate) fn manifest(&self, name: &str, reference: &str) -> (Vec<u8>, String) {
        let answer = self
            .larder
            .admin()
            .get(&format!("/v2/{name}/manifests/{reference}"))
            .expect(200);
        let digest = answer
            .header("docker-content-digest")
            .expect("digest")
            .to_owned();
        (answer.body, digest)
    }

    /// The digest of the server's manifest.
    #[track_caller]
    pub(crate) fn digest(&self, name: &str, reference: &str) -> String {
        self.manifest(name, reference).1
    }

    /// The server's tags of an image.
    #[track_caller]
    pub(crate) fn tags(&self, name: &str) -> Vec<String> {
        let answer = self.larder.admin().get(&format!("/v2/{name}/tags/list"));
        if answer.status == 404 {
            return Vec::new();
        }
        let tags = answer.expect(200).json()["tags"]
            .as_array()
            .expect("tags")
            .clone();
        tags.iter()
            .map(|tag| tag.as_str().expect("tag").to_owned())
            .collect()
    }

    /// The client said these words in its last line: that is compared with `docs/errors.md`.
    #[track_caller]
    pub(crate) fn says(&self, situation: &str, text: &str, words: &str) {
        let line = last(text);
        assert!(
            line.contains(words),
            "{}, {situation}: nothing of {words:?} in\n{text}",
            self.client
        );
        said(self.client, situation, line);
    }

    /// The same with all lines that it said.
    #[track_caller]
    pub(crate) fn says_all(&self, situation: &str, text: &str, words: &str) {
        assert!(
            text.contains(words),
            "{}, {situation}: nothing of {words:?} in\n{text}",
            self.client
        );
        said(self.client, situation, text);
    }

    /// What may not be read looks like what is not there: the last line of `hidden` says of its
    /// image what that of `missing` does.
    #[track_caller]
    pub(crate) fn same(hidden: (&str, &str), missing: (&str, &str)) {
        let neutral = |(text, name): (&str, &str)| normal(last(text)).replace(name, "NAME");
        assert_eq!(neutral(hidden), neutral(missing));
    }
}

/// The last line that is not empty: the lines before it tell the client's progress.
fn last(text: &str) -> &str {
    text.lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or_default()
}
