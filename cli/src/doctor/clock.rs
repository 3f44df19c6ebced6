//! The difference of two clocks.

use crate::doctor::finding::Finding;
use larder_model::Timestamp;

/// Seconds by which clocks may differ: more, and certificates and tokens are judged wrongly.
const MOST: i64 = 60;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The moment of a `Date` header (RFC 9110 5.6.7, the form that is to be sent).
pub(crate) fn moment(date: &str) -> Option<Timestamp> {
    let words: Vec<&str> = date.split(' ').collect();
    let [_, day, month, year, time, "GMT"] = words[..] else {
        return None;
    };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    format!("{year}-{month:02}-{day}T{time}Z").parse().ok()
}

/// What the server's clock shows beside ours.
pub(crate) fn compare(date: Option<&str>, now: Timestamp) -> Finding {
    let Some(theirs) = date.and_then(moment) else {
        return Finding::note("clock", "the server does not say what time it is");
    };
    let ahead = theirs.seconds() - now.seconds();
    if ahead.abs() <= MOST {
        return Finding::ok("clock", format!("the same to {} s", ahead.abs()));
    }
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    Finding::problem(
        "clock",
        format!(
            "the server's is {} s {direction} this machine's",
            ahead.abs()
        ),
        "timedatectl set-ntp true  # on the machine that is wrong",
    )
}

#[cfg(test)]
mod tests;
