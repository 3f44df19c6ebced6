//! What collectors do.

use super::{Collector, Mutation, Plans, World};
use larder_metadata::jobs::{HELD, HeldJob};
use larder_metadata::{Error, Requirement};
use larder_model::JobKind;

impl World {
    /// The newest collector looks at everything that is due, and removes no object.
    pub(super) async fn look_once(&mut self) {
        let held = self.collectors.last().expect("a collector").held.clone();
        let mut plans = Plans::default();
        // What a look at links queues is looked at in the same run.
        for which in [12, 14] {
            self.read(&mut plans).await;
            while (which == 12 && !plans.links.is_empty())
                || (which == 14 && !plans.blobs.is_empty())
            {
                self.collect_with(&held, &mut plans, which, false).await;
            }
        }
    }

    pub(super) async fn take(&mut self) {
        let taken = self.metadata.take_job(JobKind::Gc).await.expect("take");
        self.collectors.push(Collector {
            held: taken.expect("a job"),
            plans: Plans::default(),
        });
    }

    /// The server of the job says that it is alive.
    pub(super) async fn keep_held(&mut self) {
        let newest = self.collectors.last().expect("a collector");
        let held = self.metadata.hold_job(&newest.held, None).await;
        held.expect("hold");
    }

    /// The server of the job is silent, and another takes it over.
    pub(super) async fn take_over(&mut self) -> String {
        if self.collectors.len() > 1 {
            return "nobody takes over".to_owned();
        }
        self.turn(HELD * 2);
        self.take().await;
        self.count("taken over");
        "another takes over".to_owned()
    }

    /// A step of a collector.
    pub(super) async fn collect(&mut self, of: usize, which: u64) -> String {
        let lost = of + 1 < self.collectors.len();
        let held = if self.is(Mutation::Fence) {
            self.collectors.last().expect("a collector").held.clone()
        } else {
            self.collectors[of].held.clone()
        };
        let mut plans = std::mem::take(&mut self.collectors[of].plans);
        let told = self.collect_with(&held, &mut plans, which, lost).await;
        self.collectors[of].plans = plans;
        format!("collector {of}: {told}")
    }

    pub(super) async fn collect_with(
        &mut self,
        held: &HeldJob,
        plans: &mut Plans,
        which: u64,
        lost: bool,
    ) -> String {
        match which {
            11 => {
                self.read(plans).await;
                format!(
                    "reads {} links, {} blobs, {} objects",
                    plans.links.len(),
                    plans.blobs.len(),
                    plans.objects.len()
                )
            }
            12 | 13 => {
                if let Some((link, told_until)) = plans.links.pop() {
                    let plan = link.plan(told_until);
                    let settled = self.metadata.settle_link(held, &link, told_until).await;
                    return format!("{plan:?}: {}", self.acted(settled, lost, "link"));
                }
                self.settle_blob(held, plans, lost).await
            }
            14 => self.settle_blob(held, plans, lost).await,
            _ => {
                if let Some(object) = plans.removed.pop() {
                    let noted = self.metadata.object_removed(held, &object).await;
                    let told = self.acted(noted, lost, "object");
                    if told == "done" {
                        self.freed += 1;
                    }
                    return format!("notes that an object is gone: {told}");
                }
                let Some(object) = plans.objects.pop() else {
                    return "has no object to remove".to_owned();
                };
                // Nobody who surely lost the job gets here, but one may do so at this very moment.
                if self.is(Mutation::Generations) {
                    self.store.clear();
                } else {
                    self.store.remove(&object.generation);
                }
                plans.removed.push(object);
                "removes an object".to_owned()
            }
        }
    }

    pub(super) async fn settle_blob(
        &mut self,
        held: &HeldJob,
        plans: &mut Plans,
        lost: bool,
    ) -> String {
        let Some(blob) = plans.blobs.pop() else {
            return "has no blob to look at".to_owned();
        };
        let now = self.metadata.now();
        let settled = self.metadata.settle_blob(held, &blob, now).await;
        format!("{:?}: {}", blob.plan(), self.acted(settled, lost, "blob"))
    }

    /// How an act went. Whoever lost the job does nothing.
    pub(super) fn acted(
        &mut self,
        outcome: Result<(), Error>,
        lost: bool,
        what: &'static str,
    ) -> &'static str {
        match outcome {
            Ok(()) => {
                if lost {
                    self.broken = Some(format!("who lost the job settled a {what}"));
                }
                self.count(what);
                "done"
            }
            Err(Error::Unmet(Requirement::Blob)) => {
                self.count("changed meanwhile");
                "it changed"
            }
            Err(Error::Unmet(Requirement::Job)) if lost => {
                self.count("fenced");
                "it lost the job"
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) async fn read(&self, plans: &mut Plans) {
        let now = self.metadata.shared_now().await.expect("now");
        let waits = self.waits();
        let (until, told_until) = (waits.queued_until(now), waits.told_until(now));
        let links = self.metadata.queued_links(until.min(told_until), None, 100);
        let links = links.await.expect("links").into_iter();
        plans.links = links.map(|link| (link, told_until)).collect();
        let blobs = self.metadata.queued_blobs(until, None, 100).await;
        plans.blobs = blobs.expect("blobs");
        let objects = self.metadata.gone_objects(None, 100).await;
        plans.objects = objects.expect("objects");
    }

    pub(super) async fn run_newest(&mut self) {
        self.look_once().await;
        let held = self.collectors.last().expect("a collector").held.clone();
        let mut plans = Plans::default();
        self.read(&mut plans).await;
        while !plans.objects.is_empty() || !plans.removed.is_empty() {
            self.collect_with(&held, &mut plans, 15, false).await;
        }
    }
}
