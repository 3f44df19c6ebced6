//! What is left of documents that went on is found, and goes once.

use super::fixture::{Bed, assert_unmet, blob, digest, document, fetched};
use super::trash::{finish, held};
use crate::documents::{NewFile, NewFiles};
use crate::leftovers::Leftover;
use crate::{Metadata, Requirement};
use larder_model::{FileKind, JobKind, System, Timestamp};
use std::time::Duration;

checks![
    forms_that_nobody_asks_for_are_found,
    forms_of_a_state_that_is_gone_are_found,
    what_a_past_state_named_is_found_until_it_is_named_again,
    a_leftover_goes_once_and_only_as_it_was_read,
    the_past_of_upstreams_names_is_forgotten,
];

fn form<'a>(path: &'a str, of: &'a str, text: &str) -> NewFile<'a> {
    NewFile {
        derived_from: of,
        ..NewFile::new(FileKind::Representation, path, blob(text), "text/plain")
    }
}

/// The repository's own of what was found.
fn own(bed: &Bed<'_>, found: Vec<Leftover>) -> Vec<String> {
    let own = found.into_iter().filter(|it| it.repo == bed.repo.id);
    own.map(|it| it.path.into()).collect()
}

async fn idle(bed: &Bed<'_>, until: Timestamp) -> Vec<Leftover> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = bed.metadata.idle_forms(until, after.as_ref(), 2).await;
        let page = page.expect("forms");
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        all.extend(page);
    }
    all
}

async fn forms_that_nobody_asks_for_are_found(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let made = metadata.now().before(Duration::from_hours(24));
    let files = ["a", "b", "c"].map(|path| form(path, "one#1", path)).into();
    bed.keep("p", made, files).await;
    bed.keep("p", made, vec![document("index", "one")]).await;
    assert_eq!(own(&bed, idle(&bed, made).await), ["a", "b", "c"]);
    let before = made.before(Duration::from_micros(1));
    assert!(own(&bed, idle(&bed, before).await).is_empty());
    // One is asked for, and one is made anew.
    let key = bed.package("p").file(FileKind::Representation, "a");
    let found = bed.find(key).await.expect("form");
    metadata.note_use(key, &found);
    metadata.write_uses().await.expect("write");
    bed.keep("p", metadata.now(), vec![form("b", "two#1", "b")])
        .await;
    assert_eq!(own(&bed, idle(&bed, made).await), ["c"]);
}

async fn forms_of_a_state_that_is_gone_are_found(metadata: &Metadata) {
    let (bed, group) = (Bed::mirror(metadata).await, Bed::packages(metadata).await);
    let [first, second] = ["one", "two"].map(|text| format!("form-{text}-{:x}", bed.repo.id));
    let (one, two) = (digest(&first), digest(&second));
    let (of_one, of_two) = (format!("{one}#1"), format!("{two}#1"));
    bed.keep("p", metadata.now(), vec![document("index", &first)])
        .await;
    for at in [&bed, &group] {
        let forms = vec![
            form("old", &of_one, "form-old"),
            form("new", &of_two, "form-new"),
        ];
        at.keep("p", metadata.now(), forms).await;
    }
    let found = async || {
        let until = metadata.shared_now().await.expect("now");
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = metadata.queued_blobs(until, after.as_ref(), 2).await;
            let page = page.expect("queue");
            let Some(last) = page.last() else { break };
            let forms = metadata.forms_of_past(until, after.as_ref(), 2).await;
            all.extend(forms.expect("forms"));
            after = Some(last.clone());
        }
        all
    };
    assert!(own(&bed, found().await).is_empty());
    bed.keep("p", metadata.now(), vec![document("index", &second)])
        .await;
    let past = found().await;
    assert_eq!(own(&bed, past.clone()), ["old"]);
    assert_eq!(own(&group, past), ["old"], "of a group of this mirror");
    // While another document has the bytes it is one of that.
    let other = Bed::mirror(metadata).await;
    other
        .keep("p", metadata.now(), vec![document("index", &first)])
        .await;
    assert!(own(&bed, found().await).is_empty());
}

async fn retired(bed: &Bed<'_>, until: Timestamp) -> Vec<Leftover> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = bed.metadata.retired_files(until, after.as_ref(), 1).await;
        let page = page.expect("retired");
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        all.extend(page);
    }
    all
}

/// Another state of an index: it names some artifacts, and some no longer.
async fn change(bed: &Bed<'_>, text: &str, named: &[&str], retired: &[&str]) -> Timestamp {
    let at = bed.metadata.now();
    let new = NewFiles {
        package: bed.package(""),
        full_name: None,
        by: System::Upstream,
        at,
        files: vec![document("index", text)],
        gone: Vec::new(),
        named: named.to_vec(),
        retired: retired.to_vec(),
    };
    bed.metadata.keep_files(new).await.expect("keep");
    at
}

async fn what_a_past_state_named_is_found_until_it_is_named_again(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let files = vec![
        fetched("list-1", ""),
        fetched("list-2", ""),
        fetched("pool", ""),
    ];
    bed.keep("", metadata.now(), files).await;
    change(&bed, "first", &["list-1", "list-2"], &[]).await;
    let at = change(&bed, "second", &["list-2"], &["list-1"]).await;
    assert_eq!(own(&bed, retired(&bed, at).await), ["list-1"]);
    let before = at.before(Duration::from_micros(1));
    assert!(own(&bed, retired(&bed, before).await).is_empty());
    let at = change(&bed, "third", &[], &["list-1", "list-2"]).await;
    // It was retired when it was first left out.
    assert_eq!(own(&bed, retired(&bed, at).await), ["list-1", "list-2"]);
    let before = at.before(Duration::from_micros(1));
    assert_eq!(own(&bed, retired(&bed, before).await), ["list-1"]);
    let at = change(&bed, "first", &["list-1"], &[]).await;
    assert_eq!(own(&bed, retired(&bed, at).await), ["list-2"]);
    // What is fetched again is one of the present.
    bed.keep("", metadata.now(), vec![fetched("list-2", "")])
        .await;
    assert!(own(&bed, retired(&bed, metadata.now()).await).is_empty());
}

async fn a_leftover_goes_once_and_only_as_it_was_read(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    bed.keep("p", metadata.now(), vec![form("a", "x#1", "left-over")])
        .await;
    let held = held(metadata, JobKind::Gc).await;
    let mut found = idle(&bed, metadata.now()).await;
    found.retain(|it| it.repo == bed.repo.id);
    let found = found.remove(0);
    let other = Leftover {
        used_at: found.used_at.before(Duration::from_micros(1)),
        ..found.clone()
    };
    assert_unmet(
        metadata.drop_leftover(&held, &other).await,
        Requirement::File,
    );
    assert_eq!(
        metadata.count_holders(&found.digest).await.expect("count"),
        1
    );
    metadata.drop_leftover(&held, &found).await.expect("drop");
    assert_eq!(
        metadata.count_holders(&found.digest).await.expect("count"),
        0
    );
    assert_unmet(
        metadata.drop_leftover(&held, &found).await,
        Requirement::File,
    );
    let report = metadata.explain_blob(&found.digest, 1).await.expect("blob");
    let report = report.expect("blob");
    assert!(report.condemned && report.queued_since == Some(Timestamp(0)));
    finish(metadata, &held).await;
}

async fn the_past_of_upstreams_names_is_forgotten(metadata: &Metadata) {
    let (bed, hosted) = (Bed::mirror(metadata).await, Bed::packages(metadata).await);
    let at = |hours| metadata.now().before(Duration::from_hours(hours));
    for (hours, text) in [(96, "past-a"), (72, "past-b"), (48, "past-c")] {
        bed.keep("p", at(hours), vec![document("index", text)])
            .await;
    }
    let gone = bed.package("p").file(FileKind::Document, "elsewhere");
    bed.keep("p", at(96), vec![document("elsewhere", "past-d")])
        .await;
    metadata.name_is_gone(gone).await.expect("gone");
    // What is published here has its past for good.
    hosted
        .publish("p", vec![super::fixture::artifact("1")])
        .await;
    hosted.publish("p", super::fixture::withdraw("1")).await;
    let count = async |until| {
        let all = metadata.count_past(until).await.expect("count");
        let of = |bed: &Bed<'_>| all.iter().find(|it| it.0 == bed.repo.id).map(|it| it.1);
        (of(&bed), of(&hosted))
    };
    assert_eq!(count(at(60)).await, (Some(3), None));
    assert_eq!(count(metadata.now()).await, (Some(4), None));
    let held = held(metadata, JobKind::Gc).await;
    loop {
        let page = metadata.past_names(at(60), 1).await.expect("page");
        if page.is_empty() {
            break;
        }
        metadata.forget_past(&held, page).await.expect("forget");
    }
    assert_eq!(count(at(60)).await, (None, None));
    let key = bed.package("p").file(FileKind::Document, "index");
    let states = metadata.states(key, metadata.now(), 10).await;
    let states: Vec<_> = states.expect("states").iter().map(|it| it.digest).collect();
    assert_eq!(states.first(), Some(&Some(digest("past-c"))));
    finish(metadata, &held).await;
}
