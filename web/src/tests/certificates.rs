//! Certificates that mirrors show.

use super::{PASSWORD, basic, house};
use larder_tests::secure::{Authority, Certificate};
use serde_json::json;

/// What is behind a certificate is not for everyone, as what is behind a password is not.
#[tokio::test]
async fn a_client_certificate_closes_its_mirror() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    let open = r#"{"protocol":"npm","name":"up","kind":"mirror","open":true,
        "upstream":{"url":"https://a.example/"}}"#;
    house.ask(&admin, "POST", "/repositories", open).await;
    let (certificate, key) = Authority::default().client(Certificate::Right);
    let change = |body: serde_json::Value| {
        let (house, admin) = (&house, &admin);
        let body = body.to_string();
        async move {
            house
                .ask(admin, "PATCH", "/repositories/npm/up", &body)
                .await
        }
    };
    let shows = json!({"client_certificate": certificate, "client_key": key});
    let (status, now) = change(json!({ "upstream": shows })).await;
    assert_eq!(
        (status, &now["readable_by"], &now["open"]),
        (200, &json!("granted"), &json!(null)),
        "{now}"
    );
    let (_, now) = change(json!({"open": true})).await;
    assert_eq!(now["readable_by"], "everyone", "who says so");
    let (_, now) = change(json!({"open": null})).await;
    assert_eq!(now["readable_by"], "granted");
    let (_, now) = change(json!({"upstream": {"client_certificate": ""}})).await;
    assert_eq!(now["readable_by"], "everyone");
}
