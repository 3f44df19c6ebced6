//! What repositories let go by rules. The whole of an entry is the policy: what it does not say lets
//! nothing go. None is taken away.

use super::act::{Act, Call, Differences, Refusal, Verb};
use super::file::{RetentionEntry, RuleEntry};
use super::state::{RetentionState, State, path_of};
use crate::failure::Failure;
use larder_api::{NewRetention, RepoKind, Retention};
use larder_model::retention::TRASH;
use larder_model::{RepoPath, Span};
use serde_json::json;
use std::time::Duration;
use toml::Spanned;

/// Whether a policy lets nothing go and keeps what is deleted as long as any repository does.
pub(crate) fn says_nothing(policy: &Retention, kind: RepoKind) -> bool {
    let nothing = Retention {
        enabled: policy.enabled,
        rules: Vec::new(),
        protect: Vec::new(),
        untagged_after: None,
        unused_after: None,
        max_bytes: None,
        trash: trash_of(kind).to_string(),
    };
    *policy == nothing
}

/// How long what was deleted of a repository stays where nobody says so.
const fn trash_of(kind: RepoKind) -> Span {
    match kind {
        RepoKind::Mirror => Span(Duration::ZERO),
        _ => Span(TRASH),
    }
}

/// The rules as the API has them.
fn rules_of(rules: &[RuleEntry]) -> Result<Vec<larder_api::RetentionRule>, serde_json::Error> {
    serde_json::from_value(json!(rules))
}

/// What a policy is to be.
fn wanted(entry: &RetentionEntry, kind: RepoKind) -> Result<Retention, serde_json::Error> {
    let text = |span: Span| span.to_string();
    Ok(Retention {
        enabled: entry.enabled.unwrap_or(true),
        rules: rules_of(entry.rules.as_deref().unwrap_or_default())?,
        protect: entry.protect.clone().unwrap_or_default(),
        untagged_after: entry.untagged_after.map(text),
        unused_after: entry.unused_after.map(text),
        max_bytes: entry.max_bytes,
        trash: entry.trash.unwrap_or(trash_of(kind)).to_string(),
    })
}

/// A policy as the API takes it.
fn sent(policy: &Retention) -> NewRetention {
    NewRetention {
        enabled: Some(policy.enabled),
        rules: Some(policy.rules.clone()),
        protect: Some(policy.protect.clone()),
        untagged_after: policy.untagged_after.clone(),
        unused_after: policy.unused_after.clone(),
        max_bytes: policy.max_bytes,
        trash: Some(policy.trash.clone()),
    }
}

/// What makes a policy what the file says. `made_as`: the kind of a repository that the file makes.
pub(crate) fn act(
    entry: &Spanned<RetentionEntry>,
    state: &State,
    made_as: impl Fn(&RepoPath) -> Option<RepoKind>,
) -> Result<Option<Act>, Refusal> {
    let path = &entry.get_ref().repository;
    let there = state.repositories.iter().find(|it| path_of(it) == *path);
    let kind = there.map(|it| it.kind).or_else(|| made_as(path));
    let kind = kind.ok_or_else(|| {
        let sentence = format!("there is no repository {path} that could let something go");
        Refusal::clash(Some(&entry.span()), sentence)
    })?;
    if kind == RepoKind::Group {
        let sentence =
            format!("{path} is a group, which keeps nothing itself: say what its members let go");
        return Err(Refusal::clash(Some(&entry.span()), sentence));
    }
    let wanted = wanted(entry.get_ref(), kind)
        .map_err(|error| Refusal::file(&entry.span(), format!("{path}: {error}")))?;
    let known = state.retentions.iter().find(|it| it.repository == *path);
    let before = known.map(|it| it.policy.clone());
    let mut differences = Differences::default();
    let b = before.as_ref();
    differences.of("enabled", b.map(|it| it.enabled), Some(wanted.enabled));
    let rules = b.map(|it| it.rules.clone());
    differences.of("rules", rules, Some(wanted.rules.clone()));
    let protect = b.map(|it| it.protect.clone());
    differences.of("protect", protect, Some(wanted.protect.clone()));
    for (field, of) in [
        (
            "untagged_after",
            untagged_after as fn(&Retention) -> Option<String>,
        ),
        ("unused_after", unused_after),
        ("trash", |it| Some(it.trash.clone())),
    ] {
        differences.of(field, Some(b.and_then(of)), Some(of(&wanted)));
    }
    let max_bytes = Some(b.and_then(|it| it.max_bytes));
    differences.of("max_bytes", max_bytes, Some(wanted.max_bytes));
    if differences.0.is_empty() {
        return Ok(None);
    }
    Ok(Some(Act {
        verb: Verb::Change,
        kind: "retention",
        name: path.to_string(),
        fields: differences.0,
        call: Call::ChangeRetention(path.clone(), before.map(Box::new), Box::new(sent(&wanted))),
    }))
}

fn untagged_after(policy: &Retention) -> Option<String> {
    policy.untagged_after.clone()
}

fn unused_after(policy: &Retention) -> Option<String> {
    policy.unused_after.clone()
}

/// A policy as an entry of the file.
pub(crate) fn entry(it: &RetentionState) -> Result<RetentionEntry, Failure> {
    let unreadable = |what: &str| Failure::Local(format!("{}: {what}", it.repository));
    let span = |text: &Option<String>| {
        let text = text.as_deref().map(|text| {
            let span = larder_model::duration::parse(text).map(Span);
            span.ok_or_else(|| unreadable("it has a time that this program cannot read"))
        });
        text.transpose()
    };
    let policy = &it.policy;
    let rules: Vec<RuleEntry> = serde_json::from_value(json!(policy.rules))
        .map_err(|error| unreadable(&error.to_string()))?;
    Ok(RetentionEntry {
        repository: it.repository.clone(),
        enabled: Some(policy.enabled),
        rules: Some(rules).filter(|rules| !rules.is_empty()),
        protect: Some(policy.protect.clone()).filter(|it| !it.is_empty()),
        untagged_after: span(&policy.untagged_after)?,
        unused_after: span(&policy.unused_after)?,
        max_bytes: policy.max_bytes,
        trash: span(&Some(policy.trash.clone()))?,
    })
}
