//! Commands about quotas.

use super::commands::{assert_calls, gone, made};
use super::json;
use serde_json::json;

#[tokio::test]
async fn commands_of_quotas_make_their_calls() {
    assert_calls([
        (
            "quota list",
            json("200 OK", &json!({"items": [], "next": null})),
            "GET /api/v1/quotas?limit=1000 | - | ",
        ),
        (
            "quota create oci/team-* --bytes 10GiB --versions 500",
            made(),
            r#"POST /api/v1/quotas | - | {"bytes":10737418240,"repositories":"oci/team-*","versions":500}"#,
        ),
        (
            "quota set 7 --bytes none",
            made(),
            r#"PATCH /api/v1/quotas/7 | - | {"bytes":null}"#,
        ),
        (
            "quota delete 7 --yes",
            gone(),
            "DELETE /api/v1/quotas/7 | - | ",
        ),
        (
            "repo set oci/team --quota-bytes 500MB",
            made(),
            r#"PATCH /api/v1/repositories/oci/team | - | {"quota":{"bytes":500000000}}"#,
        ),
        (
            "repo set oci/team --quota-bytes 1 --quota-versions none",
            made(),
            r#"PATCH /api/v1/repositories/oci/team | - | {"quota":{"bytes":1,"versions":null}}"#,
        ),
        (
            "repo create oci/team --quota-versions 3",
            made(),
            concat!(
                r#"POST /api/v1/repositories | - | {"kind":"hosted","name":"team","#,
                r#""protocol":"oci","quota":{"versions":3}}"#
            ),
        ),
    ])
    .await;
}
