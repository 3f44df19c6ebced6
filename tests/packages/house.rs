//! The server and its upstream as every client finds them, and homes where a client was told the
//! lines of `larder connect`.

use larder_tests::home::{Home, without_homes};
pub(crate) use larder_tests::home::{Who, read};
use larder_tests::parcel::package_of;
use larder_tests::said::said;
use larder_tests::tools::{fails, run};
use larder_tests::{Larder, Shelf, Upstream, archive};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A server whose group `main` has a mirror of an upstream with the package `demo` in version
/// 1.0.0.
pub(crate) struct House {
    pub(crate) larder: Larder,
    pub(crate) upstream: Upstream,
    /// What the client is told of.
    repository: String,
    /// What everyone may read in some tests.
    mirror: String,
    client: &'static str,
    connect: &'static str,
    programs: Vec<PathBuf>,
}

impl House {
    /// Opens one for a client: its name in `docs/errors.md`, its name for `larder connect`, what
    /// it speaks, and what it runs.
    pub(crate) fn open(
        client: &'static str,
        connect: &'static str,
        protocol: &'static str,
        programs: &[&Path],
    ) -> Self {
        Self::open_on(crate::larder(), client, (connect, protocol), programs)
    }

    /// The same on a server that is started already.
    pub(crate) fn open_on(
        larder: Larder,
        client: &'static str,
        (connect, protocol): (&'static str, &'static str),
        programs: &[&Path],
    ) -> Self {
        let upstream = Upstream::start();
        let mut shelf = Shelf::new(protocol, &upstream);
        let body = match protocol {
            "cargo" => archive::crate_file("demo", "1.0.0", "theirs"),
            "npm" => archive::tarball("demo", "1.0.0", "theirs"),
            "composer" => archive::php_package("acme/demo", "1.0.0", "theirs", &json!({})),
            _ => archive::wheel("demo", "1.0.0", "theirs"),
        };
        shelf.put(&upstream, "1.0.0", &body);
        let url = shelf.url(&upstream);
        Self::over_on(
            larder,
            client,
            (connect, &format!("{protocol}/main")),
            programs,
            (upstream, &url),
        )
    }

    /// The same with an upstream that is made already, which the client gets by this repository.
    pub(crate) fn over(
        client: &'static str,
        connect: &'static str,
        repository: &str,
        programs: &[&Path],
        upstream: Upstream,
        url: &str,
    ) -> Self {
        let larder = crate::larder();
        Self::over_on(
            larder,
            client,
            (connect, repository),
            programs,
            (upstream, url),
        )
    }

    fn over_on(
        larder: Larder,
        client: &'static str,
        (connect, repository): (&'static str, &str),
        programs: &[&Path],
        (upstream, url): (Upstream, &str),
    ) -> Self {
        let (protocol, _) = repository.split_once('/').expect("protocol/name");
        let mirror = format!("{protocol}/upstream");
        let body = json!({"upstream": {"url": url, "allow_private": true}});
        larder.api(
            "PATCH",
            &format!("repositories/{mirror}"),
            &body.to_string(),
            200,
        );
        larder.close_everything();
        for name in ["maker", "reader", "stranger"] {
            larder.make_user(name);
        }
        larder.grant("user:maker", &format!("{protocol}/*"), "*", "maintainer");
        larder.grant("user:reader", &format!("{protocol}/*"), "*", "reader");
        let programs = programs.iter().map(|path| path.to_path_buf()).collect();
        let repository = repository.to_owned();
        Self {
            larder,
            upstream,
            repository,
            mirror,
            client,
            connect,
            programs,
        }
    }

    /// A new home of this person, told the lines for this repository.
    fn home_for(&self, who: Who, repository: &str) -> Home {
        Home::of(
            &self.larder,
            who,
            (self.connect, repository),
            &self.programs,
        )
    }

    /// The same for the repository that the client is tested with.
    pub(crate) fn home(&self, who: Who) -> Home {
        self.home_for(who, &self.repository)
    }

    /// Blocks a package in the repository that the client is tested with.
    pub(crate) fn block(&self, package: &str) {
        let blocked = json!({"blocked": [{"package": package, "reason": "it steals passwords"}]});
        self.larder.api(
            "PATCH",
            &format!("repositories/{}", self.repository),
            &blocked.to_string(),
            200,
        );
    }

    /// What the client said is compared with `docs/errors.md`.
    #[track_caller]
    pub(crate) fn says(&self, situation: &str, text: &str) {
        said(self.client, situation, &without_homes(text, &self.larder));
    }

    /// Has the client refused to publish in every way, and compares what it says. `publish`
    /// publishes a new version.
    #[track_caller]
    pub(crate) fn refuses_to_publish(
        &self,
        publish: impl Fn(&Home) -> Command,
        tell: impl Fn(&str) -> String,
    ) {
        for (situation, who) in [
            ("publish without a login", Who::Nobody),
            ("publish with a wrong token", Who::Liar),
            ("publish without the right to read", Who::Stranger),
            ("publish without the right", Who::Reader),
        ] {
            self.says(situation, &tell(&fails(&mut publish(&self.home(who)))));
        }
    }

    /// Has the client get a package of a mirror that everyone may read, refused one in every way,
    /// and compares what it says. `install` installs a package in a new project; `tell` finds in
    /// what the client wrote what tells the person why.
    #[track_caller]
    pub(crate) fn installs(
        &self,
        install: impl Fn(&Home, &str) -> Command,
        tell: impl Fn(&str) -> String,
    ) {
        let home = self.home_for(Who::Nobody, &self.mirror);
        let grant = self.larder.grant("anonymous", &self.mirror, "*", "reader");
        let (protocol, _) = self.repository.split_once('/').expect("protocol/name");
        let [demo, nowhere, faraway] =
            ["demo", "nowhere", "faraway"].map(|name| package_of(protocol, name));
        run(&mut install(&home, &demo));
        self.larder
            .api("DELETE", &format!("grants/{grant}"), "", 204);
        let refused = |situation: &str, who: Who, package: &str| {
            let home = self.home(who);
            self.says(situation, &tell(&fails(&mut install(&home, package))));
        };
        refused("not found", Who::Maker, &nowhere);
        refused("without a login", Who::Nobody, &demo);
        refused("wrong token", Who::Liar, &demo);
        refused("without the right", Who::Stranger, &demo);
        self.block(&demo);
        refused("blocked by a rule", Who::Maker, &demo);
        self.upstream.go();
        refused("upstream down, not kept", Who::Maker, &faraway);
        self.larder
            .api("PATCH", "settings", r#"{"offline":true}"#, 200);
        refused("offline, not kept", Who::Maker, &faraway);
    }
}

/// The first lines that begin in one of these ways, with those that go on from them.
#[track_caller]
pub(crate) fn why(text: &str, begins: &[&str]) -> String {
    let (mut why, mut goes_on) = (String::new(), false);
    for line in text.lines().map(plain) {
        let (begun, line) = (line.starts_with("  "), line.trim());
        let begins =
            begins.iter().any(|begin| line.starts_with(begin)) && !line.contains("A complete log");
        goes_on = begins || goes_on && begun && !line.starts_with("at ");
        if goes_on && why.lines().count() < 2 && !why.lines().any(|known| known == line) {
            why.push_str(&format!("{line}\n"));
        }
    }
    assert!(!why.is_empty(), "it does not tell why:\n{text}");
    why
}

/// A line without colours.
fn plain(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| {
        line + part.split_once('m').map_or(part, |(_, rest)| rest)
    })
}
