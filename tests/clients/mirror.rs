//! Images of another registry, pulled by clients that were told the lines of `larder connect`:
//! while that registry is there, when it is gone, and refused in every way.

use larder_tests::engine::program;
use larder_tests::home::{Home, Who, without_homes};
use larder_tests::said::said;
use larder_tests::tools::{fails, run};
use larder_tests::{Larder, Start, layout};
use serde_json::json;
use std::path::PathBuf;
use std::process::Command;

/// A registry with images, a server with a mirror of it, and the client.
pub(crate) struct Mirrored {
    origin: Larder,
    pub(crate) larder: Larder,
    client: &'static str,
    connect: &'static str,
    repository: String,
    programs: Vec<PathBuf>,
}

impl Mirrored {
    /// Opens them for a client: its name in `docs/errors.md`, its name for `larder connect`, the
    /// mirror's name, and what it runs. `None`: there is no compiler, and that was said.
    #[track_caller]
    pub(crate) fn open(
        client: &'static str,
        connect: &'static str,
        mirror: &'static str,
        programs: &[PathBuf],
    ) -> Option<Self> {
        let start = || Start::of(env!("CARGO_BIN_EXE_larder")).start();
        let (origin, larder) = (start(), start());
        let program = std::fs::read(program(origin.folder())?).expect("program");
        let image = layout::runnable(&program, "amd64");
        for name in ["app", "blocked", "faraway"] {
            image.push(&origin.admin(), &format!("team/{name}"), "1");
        }
        origin.grant("anonymous", "oci/team", "*", "reader");
        let upstream = json!({"url": origin.url(), "allow_private": true});
        let blocked = json!([{"package": "team/blocked", "reason": "it steals passwords"}]);
        let repo = json!({
            "protocol": "oci", "name": mirror, "kind": "mirror",
            "upstream": upstream, "blocked": blocked,
        });
        larder.api("POST", "repositories", &repo.to_string(), 201);
        larder.api(
            "PATCH",
            "settings",
            &json!({"oci": {"default_mirror": mirror}}).to_string(),
            200,
        );
        larder.close_everything();
        for name in ["reader", "stranger"] {
            larder.make_user(name);
        }
        let repository = format!("oci/{mirror}");
        larder.grant("user:reader", &repository, "*", "reader");
        let programs = programs.to_vec();
        Some(Self {
            origin,
            larder,
            client,
            connect,
            repository,
            programs,
        })
    }

    /// A new home of this person.
    pub(crate) fn home(&self, who: Who) -> Home {
        Home::of(
            &self.larder,
            who,
            (self.connect, &self.repository),
            &self.programs,
        )
    }

    /// Has the client pull images, and compares what it says when it is refused. `pull` pulls an
    /// image, e.g. `team/app:1`, for someone; `forget` makes it forget that image. `people`:
    /// whether it shows a mirror credentials at all.
    #[track_caller]
    pub(crate) fn walk(
        mut self,
        people: bool,
        pull: impl Fn(&Self, &Home, &str) -> Command,
        forget: impl Fn(&Self, &Home, &str),
    ) -> Self {
        let refused = |bed: &Self, situation: &str, who: Who, image: &str| {
            let text = fails(&mut pull(bed, &bed.home(who), image));
            let line = text
                .lines()
                .map(str::trim)
                .rfind(|line| !line.is_empty())
                .expect("words");
            said(bed.client, situation, &without_homes(line, &bed.larder));
        };
        let pulled = |bed: &Self, who: Who| {
            let home = bed.home(who);
            run(&mut pull(bed, &home, "team/app:1"));
            forget(bed, &home, "team/app:1");
        };
        let public = self
            .larder
            .grant("anonymous", &self.repository, "*", "reader");
        pulled(&self, Who::Nobody);
        assert!(
            self.larder.log_text().contains("team/app/blobs/"),
            "it came from elsewhere"
        );
        self.larder
            .api("DELETE", &format!("grants/{public}"), "", 204);
        refused(&self, "mirror: without a login", Who::Nobody, "team/app:1");
        if people {
            refused(&self, "mirror: wrong token", Who::Liar, "team/app:1");
            refused(
                &self,
                "mirror: without the right",
                Who::Stranger,
                "team/app:1",
            );
        } else {
            self.larder
                .grant("anonymous", &self.repository, "*", "reader");
        }
        refused(&self, "mirror: not found", Who::Reader, "team/none:1");
        refused(
            &self,
            "mirror: blocked by a rule",
            Who::Reader,
            "team/blocked:1",
        );
        self.origin.kill();
        pulled(&self, Who::Reader);
        refused(
            &self,
            "mirror: upstream down, not kept",
            Who::Reader,
            "team/faraway:1",
        );
        self.larder
            .api("PATCH", "settings", r#"{"offline":true}"#, 200);
        pulled(&self, Who::Reader);
        refused(
            &self,
            "mirror: offline, not kept",
            Who::Reader,
            "team/faraway:1",
        );
        self
    }
}
