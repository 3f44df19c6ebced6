//! What of a file can be judged without a server.

use super::act::Refusal;
use super::file::{BlockEntry, RepositoryEntry, Resources};
use super::grants::{key, told};
use super::schedules;
use larder_model::RepoName;
use std::collections::BTreeSet;
use std::ops::Range;
use toml::Spanned;

/// Characters of a description, and of the reason why a package is blocked.
const DESCRIPTION: usize = 1000;
const REASON: usize = 200;
/// Members and blocked patterns of a repository.
const MEMBERS: usize = 50;
const BLOCKED: usize = 1000;

/// All that is wrong with a file.
pub(crate) fn check(file: &Resources) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let repositories = file.repositories.as_deref().unwrap_or_default();
    let groups = file.groups.as_deref().unwrap_or_default();
    let robots = file.robots.as_deref().unwrap_or_default();
    let grants = file.grants.as_deref().unwrap_or_default();
    refusals.extend(twice(repositories, |it| format!("repository {}", it.name)));
    refusals.extend(twice(groups, |it| format!("group {}", it.name)));
    refusals.extend(twice(robots, |it| format!("robot {}", it.name)));
    refusals.extend(twice(grants, |it| format!("grant {}", told(key(it)))));
    for entry in repositories {
        refusals.extend(repository(&entry.span(), entry.get_ref()));
    }
    for entry in groups {
        let (span, group) = (entry.span(), entry.get_ref());
        refusals.extend(description(&span, group.description.as_deref()));
        let own = format!("group:{}", group.name);
        let members = group.members.as_deref().unwrap_or_default();
        if members.iter().any(|member| member.0 == own) {
            let sentence = format!("group {} cannot be in itself", group.name);
            refusals.push(Refusal::file(&span, sentence));
        }
        if let Some(member) = second(members.iter().map(|member| &member.0)) {
            let sentence = format!("{member} is in group {} twice", group.name);
            refusals.push(Refusal::file(&span, sentence));
        }
    }
    for entry in robots {
        refusals.extend(description(
            &entry.span(),
            entry.get_ref().description.as_deref(),
        ));
    }
    for entry in grants {
        if let Err(why) = pattern(entry.get_ref().repository.as_str()) {
            let sentence = format!("`repository` is protocol/name, e.g. oci/team-*: {why}");
            refusals.push(Refusal::file(&entry.span(), sentence));
        }
        if !entry.get_ref().networks.is_empty() && entry.get_ref().subject.0 != "anonymous" {
            let sentence = "`networks` limits grants to anonymous alone: others are known by who \
                they are";
            refusals.push(Refusal::file(&entry.span(), sentence));
        }
    }
    let entries = file.schedules.as_deref().unwrap_or_default();
    refusals.extend(twice(entries, |it| format!("schedule {}", it.kind)));
    refusals.extend(entries.iter().filter_map(schedules::check));
    let entries = file.retention.as_deref().unwrap_or_default();
    refusals.extend(twice(entries, |it| {
        format!("retention of {}", it.repository)
    }));
    if let Some(entry) = &file.settings {
        let mirror = entry.get_ref().oci.as_ref();
        let mirror = mirror.and_then(|oci| oci.default_mirror.as_deref());
        if mirror.is_some_and(|name| !name.is_empty() && name.parse::<RepoName>().is_err()) {
            let sentence = "`oci.default_mirror` is the name of a repository of images, or empty";
            refusals.push(Refusal::file(&entry.span(), sentence));
        }
    }
    refusals
}

/// What people and machines are for.
fn description(span: &Range<usize>, text: Option<&str>) -> Option<Refusal> {
    let sentence =
        format!("a `description` has at most {DESCRIPTION} characters, none of them a control");
    (!is_plain(text, DESCRIPTION, true)).then(|| Refusal::file(span, sentence))
}

/// What of a pattern of repositories can match something, as far as its form tells.
fn pattern(text: &str) -> Result<(), String> {
    let Some((protocol, name)) = text.split_once('/') else {
        let is_pattern = text.contains('*');
        return is_pattern
            .then_some(())
            .ok_or("there is no slash".to_owned());
    };
    if let Some((name, package)) = name.split_once('/') {
        return Err(format!(
            "a repository's name has no slash; for packages in it: repository = \
             \"{protocol}/{name}\", package = \"{package}\""
        ));
    }
    // Whatever a star stands for, what is around it must be possible in a name.
    let name = name.replace('*', "a").parse::<RepoName>();
    name.map(drop).map_err(|error| error.0.to_owned())
}

/// A text that the server keeps: not too long, and of one line where it is said so.
fn is_plain(text: Option<&str>, longest: usize, lines: bool) -> bool {
    text.is_none_or(|text| {
        let is_wrong = |char: char| char.is_control() && !(lines && char == '\n');
        text.chars().count() <= longest && !text.chars().any(is_wrong)
    })
}

fn repository(span: &Range<usize>, entry: &RepositoryEntry) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut wrong = |sentence: String| refusals.push(Refusal::file(span, sentence));
    let path = &entry.name;
    if !is_plain(entry.description.as_deref(), DESCRIPTION, false) {
        wrong(format!(
            "{path}: `description` is one line of at most {DESCRIPTION} characters"
        ));
    }
    let blocked = entry.blocked.as_deref().unwrap_or_default();
    if blocked.len() > BLOCKED {
        wrong(format!("{path} blocks more than {BLOCKED} patterns"));
    }
    let reasons = |block: &BlockEntry| is_plain(block.reason.as_deref(), REASON, false);
    if !blocked.iter().all(reasons) {
        wrong(format!(
            "{path}: a `reason` is one line of at most {REASON} characters"
        ));
    }
    if entry.members.as_ref().is_some_and(|it| it.len() > MEMBERS) {
        wrong(format!("{path} has more than {MEMBERS} members"));
    }
    if entry.members.as_ref().is_some_and(Vec::is_empty) {
        wrong(format!("{path} is a group: it needs `members`"));
    }
    let members = entry.members.as_deref().unwrap_or_default();
    if let Some(member) = second(members) {
        wrong(format!("{path} has the member {member} twice"));
    }
    if members.contains(&path.name) {
        wrong(format!("{path} cannot be a member of itself"));
    }
    if let Some(upstream) = &entry.upstream
        && upstream.password_env.is_some()
        && upstream.password_file.is_some()
    {
        let sentence = format!("{path}: give `password_env` or `password_file`, not both");
        wrong(sentence);
    }
    refusals
}

/// Entries with the name of one before them.
fn twice<T>(entries: &[Spanned<T>], name: impl Fn(&T) -> String) -> Vec<Refusal> {
    let mut names = BTreeSet::new();
    let mut refusals = Vec::new();
    for entry in entries {
        let name = name(entry.get_ref());
        if names.contains(&name) {
            let sentence = format!("{name} stands in the file twice");
            refusals.push(Refusal::file(&entry.span(), sentence));
        }
        names.insert(name);
    }
    refusals
}

/// The first that is there a second time.
fn second<T: Ord + Copy>(items: impl IntoIterator<Item = T>) -> Option<T> {
    let mut seen = BTreeSet::new();
    items.into_iter().find(|item| !seen.insert(*item))
}
