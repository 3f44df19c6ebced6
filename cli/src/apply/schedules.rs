//! When jobs begin by themselves. A server has the schedules of what it can do: none is made or
//! deleted.

use super::act::{Act, Call, Differences, Refusal, Verb};
use super::file::ScheduleEntry;
use super::state::State;
use larder_api::NewSchedule;
use larder_model::{BadCron, Cron};
use toml::Spanned;

/// What is wrong with a schedule, whatever the server is.
pub(crate) fn check(entry: &Spanned<ScheduleEntry>) -> Option<Refusal> {
    let ScheduleEntry { kind, cron, .. } = entry.get_ref();
    let BadCron(why) = cron.as_ref()?.parse::<Cron>().err()?;
    let sentence = format!("the `cron` of schedule {kind} is wrong: {why}");
    Some(Refusal::file(&entry.span(), sentence))
}

/// The text of a cron expression as the server tells it.
fn canonical(text: &str) -> String {
    let cron = text.parse::<Cron>();
    cron.map_or_else(|_| text.to_owned(), |cron| cron.to_string())
}

/// What makes a schedule what the file says.
pub(crate) fn act(entry: &Spanned<ScheduleEntry>, state: &State) -> Result<Option<Act>, Refusal> {
    let ScheduleEntry {
        kind,
        cron,
        enabled,
    } = entry.get_ref();
    let there = state.schedules.iter().find(|there| there.kind == *kind);
    let there = there.ok_or_else(|| {
        let sentence = format!("the server does no jobs of the kind {kind}: it has no schedule");
        Refusal::clash(Some(&entry.span()), sentence)
    })?;
    let mut differences = Differences::default();
    let wanted = cron.as_deref().map(canonical);
    let cron = differences.of("cron", Some(there.cron.clone()), wanted);
    let enabled = differences.of("enabled", Some(there.enabled), *enabled);
    if differences.0.is_empty() {
        return Ok(None);
    }
    let new = NewSchedule {
        cron: cron.unwrap_or_else(|| there.cron.clone()),
        enabled: Some(enabled.unwrap_or(there.enabled)),
    };
    Ok(Some(Act {
        verb: Verb::Change,
        kind: "schedule",
        name: kind.to_string(),
        fields: differences.0,
        call: Call::ChangeSchedule(Box::new(there.clone()), new),
    }))
}
