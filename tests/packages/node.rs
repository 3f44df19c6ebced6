//! What the clients of npm's registry have in common.

use crate::house::{House, Who, read, why};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_model::{Algorithm, Digest};
use larder_tests::archive::tarball;
use larder_tests::home::Home;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A client: its lines for a shell.
pub(crate) struct Node {
    /// Installs what `package.json` says, and writes a lock.
    pub(crate) install: &'static str,
    /// Installs what the lock says, and nothing else.
    pub(crate) frozen: &'static str,
    /// Publishes the package in the folder.
    pub(crate) publish: &'static str,
    /// The file of the lock.
    pub(crate) lock: &'static str,
    /// Whether the lock has the registry's checksums.
    pub(crate) integrity: bool,
    /// How the lines begin in which it tells why something went wrong.
    pub(crate) whys: &'static [&'static str],
}

impl Node {
    /// A project with one dependency.
    fn project(home: &Home, name: &str, dependencies: &str) -> PathBuf {
        let manifest = format!(
            "{{\"name\":\"{name}\",\"version\":\"1.0.0\",\"license\":\"MIT\",\"dependencies\":{{{dependencies}}}}}"
        );
        home.project(name, &[("package.json", &manifest), ("yarn.lock", "")])
    }

    /// A package to publish.
    pub(crate) fn package(home: &Home, version: &str, word: &str) -> PathBuf {
        let manifest = format!(
            "{{\"name\":\"@acme/probe\",\"version\":\"{version}\",\"main\":\"index.js\",\"license\":\"MIT\"}}"
        );
        let source = format!("module.exports = \"{word}\"\n");
        let files = [
            ("package.json", &*manifest),
            ("index.js", &source),
            ("yarn.lock", ""),
        ];
        home.project(&format!("probe-{version}-{word}"), &files)
    }

    /// Asks in a project, and is told these words.
    #[track_caller]
    pub(crate) fn asks(home: &Home, questions: &[(&str, &str)]) {
        let project = Self::project(home, "asking", "");
        for (line, words) in questions {
            let told = home.run(&project, line);
            assert!(
                told.contains(words),
                "{line}: nothing of {words} in\n{told}"
            );
        }
    }

    /// Publishes two versions, the second under the tag `next`, refuses to publish over one, and
    /// installs the first together with a package of the mirror: by name, by lock, and by lock when
    /// the upstream is gone.
    #[track_caller]
    pub(crate) fn publish_and_install(&self, house: &House) -> Home {
        let maker = house.home(Who::Maker);
        let told = maker.run(&Self::package(&maker, "1.0.0", "ours"), self.publish);
        assert!(!told.contains("ERR"), "{told}");
        let told = maker.fails(&Self::package(&maker, "1.0.0", "another"), self.publish);
        house.says("publish of a version that is there", &why(&told, self.whys));
        maker.run(
            &Self::package(&maker, "1.1.0", "ours"),
            &format!("{} --tag next", self.publish),
        );

        let project = Self::project(
            &maker,
            "user",
            "\"@acme/probe\":\"latest\",\"demo\":\"^1.0.0\"",
        );
        maker.run(&project, self.install);
        installed(&project);
        let lock = read(&project.join(self.lock));
        assert!(lock.contains("1.0.0") && !lock.contains("1.1.0"), "{lock}");
        if self.integrity {
            let digest = Digest::of(Algorithm::Sha512, &tarball("demo", "1.0.0", "theirs"));
            let integrity = format!("sha512-{}", STANDARD.encode(digest.bytes()));
            assert!(lock.contains(&integrity), "no {integrity} in\n{lock}");
        }

        house.upstream.go();
        let reader = house.home(Who::Reader);
        let again = Self::project(
            &reader,
            "user",
            "\"@acme/probe\":\"latest\",\"demo\":\"^1.0.0\"",
        );
        std::fs::write(again.join(self.lock), &lock).expect("lock");
        reader.run(&again, self.frozen);
        installed(&again);
        assert_eq!(read(&again.join(self.lock)), lock);
        house.upstream.come_back();
        maker
    }

    /// Gets what everyone may read, and is refused in every way.
    #[track_caller]
    pub(crate) fn is_served_and_refused(&self, house: &House) {
        let publish = |home: &Home| home.shell(&Self::package(home, "2.0.0", "ours"), self.publish);
        house.refuses_to_publish(publish, |text| why(text, self.whys));
        let install = |home: &Home, package: &str| -> Command {
            home.shell(
                &Self::project(home, "user", &format!("\"{package}\":\"^1.0.0\"")),
                self.install,
            )
        };
        house.installs(install, |text| why(text, self.whys));
    }
}

fn installed(project: &Path) {
    for (package, text) in [("@acme/probe", "ours"), ("demo", "theirs")] {
        let module = read(&project.join("node_modules").join(package).join("index.js"));
        assert_eq!(
            module,
            format!("module.exports = \"{text}\"\n"),
            "{package}"
        );
    }
}
