//! The bar that shows a person how far a job is.

use crate::escape::plain;
use larder_api::{Job, JobProgress};
use larder_model::JobState;

/// Columns of the bar itself.
const BAR: usize = 20;

/// The line for a job as it is now, no longer than `width` columns.
pub(crate) fn line(job: &Job, width: usize) -> String {
    let text = match (&job.progress, job.state) {
        (Some(progress), JobState::Running) => running(progress),
        (_, state) => format!("job {} is {state}", job.id),
    };
    let text = if job.cancel_requested && !job.state.is_final() {
        format!("{text}, asked to end")
    } else {
        text
    };
    text.chars().take(width).collect()
}

fn running(progress: &JobProgress) -> String {
    let (phase, unit) = (plain(&progress.phase), plain(&progress.unit));
    let done = progress.done;
    let count = match progress.total {
        Some(total) => format!("[{}] {done}/{total} {unit}", bar(done, total)),
        None => format!("{done} {unit}"),
    };
    match progress.bytes {
        0 => format!("{phase} {count}"),
        bytes => format!("{phase} {count}, {}", size(bytes)),
    }
}

fn bar(done: u64, total: u64) -> String {
    let full = u128::from(done.min(total)) * BAR as u128;
    let full = full.checked_div(total.into()).unwrap_or(BAR as u128);
    let full = usize::try_from(full).unwrap_or(BAR);
    format!(
        "{}{}",
        "#".repeat(full),
        ".".repeat(BAR.saturating_sub(full))
    )
}

/// Bytes in the largest unit of which there is one.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    if unit == 0 {
        return format!("{bytes} B");
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests;
