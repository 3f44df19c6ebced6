use super::*;
use serde_json::json;

#[test]
fn programs_get_json_and_people_get_tables() {
    let outcome = Outcome::list(
        json!({"items": [{"id": "1"}], "next": null}),
        &[("ID", "id")],
    );
    assert_eq!(outcome.text(false), "ID\n1\n");
    assert_eq!(
        serde_json::from_str::<Value>(&outcome.text(true)).ok(),
        outcome.json
    );
    assert_eq!(Outcome::done("Done.").text(false), "Done.\n");
    assert_eq!(Outcome::done("Done.").text(true), "");
}
