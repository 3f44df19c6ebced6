use super::{Machine, fake, json};
use crate::outcome::View;
use serde_json::json;

#[tokio::test]
async fn refused_requests_are_asked_for_as_the_filters_say() {
    let page = || json("200 OK", &json!({"items": [{"id": "0a"}], "next": null}));
    let server = fake(vec![page(), page()]).await;
    let filters = "--repository npm/up --rule block --since 2030-01-31 --each --limit 7";
    for line in ["denied".to_owned(), format!("denied {filters}")] {
        let line = format!("{line} --server {}", server.url);
        let outcome = Machine::new().run(&line).await.expect("list");
        assert!(matches!(outcome.view, View::List(_)));
    }
    assert_eq!(
        server.heard(),
        [
            "GET /api/v1/denied?limit=100 | - | ",
            "GET /api/v1/denied?limit=7&repository=npm%2Fup&rule=block\
             &since=2030-01-31T00%3A00%3A00Z&grouped=false | - | ",
        ]
    );
}

#[tokio::test]
async fn a_refusal_is_found_by_its_id_and_by_its_address() {
    for told in ["0a", "https://larder.example/why/0a", "https://h/why/0a/"] {
        let shown = json!({"id": "0a", "detail": "demo is blocked in npm/up"});
        let server = fake(vec![json("200 OK", &shown)]).await;
        let line = format!("why {told} --server {}", server.url);
        let outcome = Machine::new().run(&line).await.expect("refusal");
        assert_eq!(outcome.json, Some(shown), "{told}");
        assert_eq!(server.heard(), ["GET /api/v1/why/0a | - | "]);
    }
}
