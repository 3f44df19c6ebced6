use super::*;
use serde_json::json;

const IDS: Table = Table::new(&[("ID", "id")], &["id"]).with(&[("BY", "by")]);

fn list(items: &Value) -> Outcome {
    Outcome::list(json!({"items": items, "next": null}), &IDS)
}

#[track_caller]
fn shown(outcome: &Outcome, format: Format) -> String {
    outcome.data(format, None).expect("data")
}

#[test]
fn a_list_has_every_form() {
    let outcome = list(&json!([{"id": "1", "by": "x"}, {"id": "2", "by": "=y"}]));
    for (format, text) in [
        (Format::Table, "ID\n1\n2\n"),
        (Format::Wide, "ID  BY\n1   x\n2   =y\n"),
        (Format::Csv, "id,by\n1,x\n2,'=y\n"),
        (Format::Name, "1\n2\n"),
        (
            Format::Ndjson,
            "{\"by\":\"x\",\"id\":\"1\"}\n{\"by\":\"=y\",\"id\":\"2\"}\n",
        ),
    ] {
        assert_eq!(shown(&outcome, format), text, "{format:?}");
    }
    let json = shown(&outcome, Format::Json);
    assert_eq!(serde_json::from_str::<Value>(&json).ok(), outcome.json);
}

#[test]
fn an_empty_list_is_an_empty_page() {
    let outcome = list(&json!([]));
    let json = shown(&outcome, Format::Json);
    assert_eq!(
        serde_json::from_str::<Value>(&json).ok(),
        Some(json!({"items": [], "next": null}))
    );
    for (format, text) in [
        (Format::Table, "ID\n"),
        (Format::Csv, "id,by\n"),
        (Format::Ndjson, ""),
        (Format::Name, ""),
    ] {
        assert_eq!(shown(&outcome, format), text, "{format:?}");
    }
}

#[test]
fn a_sentence_is_no_data_and_text_no_table() {
    let formats = [Format::Table, Format::Json, Format::Csv, Format::Name];
    for format in formats {
        assert_eq!(shown(&Outcome::done("Done."), format), "", "{format:?}");
    }
    let text = Outcome::text(Some(json!({"secret": "x"})), "x");
    assert_eq!(shown(&text, Format::Table), "x\n");
    assert_eq!(shown(&text, Format::Ndjson), "{\"secret\":\"x\"}\n");
    assert_eq!(
        text.data(Format::Csv, None).expect_err("csv").exit(),
        Exit::Usage
    );
}
