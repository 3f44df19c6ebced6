//! Rights held to a model that knows nothing of how they are found (`oracle`): random people,
//! groups, grants and tokens, and random changes of them, from a seed that a failure prints.
//!
//! `LARDER_TEST_LONG=1` makes many more worlds, `LARDER_TEST_SEED` the same again.

mod oracle;
mod world;

mod exchanges;
mod lists;

use larder_tests::random::Random;

/// How many worlds are made: `few`, or many times as many where there is time.
fn worlds(few: u64) -> u64 {
    let long = std::env::var_os("LARDER_TEST_LONG").is_some();
    if long { few * 50 } else { few }
}

/// One of these.
fn any<'a, T>(random: &mut Random, all: &'a [T]) -> &'a T {
    let count = u64::try_from(all.len()).expect("count");
    let at = usize::try_from(random.below(count)).expect("place");
    &all[at]
}
