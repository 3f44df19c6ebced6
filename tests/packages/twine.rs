//! twine.

use crate::house::{House, Who};
use crate::python::{publishes, publishes_attested, wheel_in};
use larder_tests::home::Home;
use larder_tests::{run, tool};

#[test]
fn twine() {
    let Some(twine) = tool("twine") else { return };
    let house = House::open("twine", "twine", "pypi", &[&twine]);
    let publish = |home: &Home, version: &str, word: &str| {
        let (folder, wheel) = wheel_in(home, version, word);
        home.shell(
            &folder,
            &format!("twine upload --non-interactive --disable-progress-bar -r larder {wheel}"),
        )
    };
    publishes(&house, publish, &["ERROR"]);
    // The same bytes again, as after a lost answer.
    run(&mut publish(&house.home(Who::Maker), "1.0.0", "ours"));
    publishes_attested(&house, |home, version, word| {
        let (folder, wheel) = wheel_in(home, version, word);
        home.shell(
            &folder,
            &format!("twine upload --attestations --non-interactive --disable-progress-bar -r larder {wheel}*"),
        )
    });
}
