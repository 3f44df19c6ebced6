//! Changes that are tried anew when others were first.

use larder_model::Problem;
use std::time::Duration;

/// How often a change is judged anew because something else was changed meanwhile.
pub(crate) const ATTEMPTS: usize = 10;

/// Why a change was not made in [`ATTEMPTS`].
pub(crate) fn others_change() -> Problem {
    let detail = "others change so much meanwhile that this could not be changed; nothing was changed, \
                  try again";
    Problem::busy(detail, Duration::from_secs(1))
}
