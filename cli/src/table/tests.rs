use super::*;
use serde_json::json;

const TOKENS: Table = Table::new(
    &[("ID", "id"), ("NAME", "name"), ("LIMITS", "grants")],
    &["id"],
)
.with(&[("EXPIRES", "expires_at")]);

fn record(columns: &'static [Column], value: &Value) -> String {
    Table::new(columns, &[]).record(value, false)
}

#[test]
fn lists_and_records() {
    let items = [
        json!({"id": "12", "name": "größe", "grants": null, "expires_at": null}),
        json!({"id": "3456", "name": "a\u{1b}[2J", "expires_at": "2030-01-31T12:00:00.123456Z", "grants": [
            {"repository": "oci/team", "package": "*", "role": "reader"},
            {"repository": "npm/*", "package": "@acme/*", "role": "writer"},
        ]}),
        json!({"id": "7", "name": "", "grants": null, "expires_at": "soon\u{202e}"}),
    ];
    let shown = format!(
        "{}\n{}",
        TOKENS.list(&items, true, None),
        TOKENS.record(&items[1], true)
    );
    assert_eq!(shown, include_str!("../../testdata/tables.txt"));
    let nested = json!({"upstream": {"url": "https://registry.example/", "allow": ["https://a.example", "b\u{7}"]}});
    assert_eq!(
        record(
            &[
                ("Upstream", "upstream/url"),
                ("Also", "upstream/allow"),
                ("None", "upstream/x/y"),
            ],
            &nested
        ),
        "Upstream  https://registry.example/\nAlso      https://a.example, b\\u{7}\nNone      -\n"
    );
    let blocked = json!({"blocked": [{"package": "evil-*", "reason": "mal\u{7}ware"}, {"package": "@bad/*"}]});
    assert_eq!(
        record(&[("Blocked", "blocked")], &blocked),
        "Blocked  evil-*=mal\\u{7}ware, @bad/*\n"
    );
    let upstream =
        json!({"absent": [403, 404], "paused": [{"origin": "https://a.example", "reason": "x"}]});
    assert_eq!(
        record(&[("Absent", "absent"), ("Paused", "paused")], &upstream),
        "Absent  403, 404\nPaused  https://a.example\n"
    );
    assert_eq!(TOKENS.list(&[], false, None), "ID  NAME  LIMITS\n");
}

#[test]
fn a_terminal_is_never_too_narrow_and_a_pipe_never_cuts() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let items = [json!({"id": "1", "name": digest, "grants": null})];
    let piped = TOKENS.list(&items, false, None);
    assert!(piped.contains(&digest), "{piped}");
    let shown = TOKENS.list(&items, false, Some(30));
    assert_eq!(
        shown,
        "ID  NAME                LIMITS\n1   sha256:aaaaaaaaaa…  -\n"
    );
    let narrow = TOKENS.list(&items, false, Some(1));
    assert_eq!(narrow, "ID  NAME      LIMITS\n1   sha256:…  -\n");
}

#[test]
fn csv_has_all_columns_and_no_formulas() {
    let items = [
        json!({"id": 7, "name": "=HYPERLINK(\"https://a.example\")", "grants": null, "expires_at": "-1"}),
        json!({"id": -7, "name": "+1, \u{202e}", "grants": ["@a", "b"], "expires_at": true}),
    ];
    assert_eq!(
        TOKENS.csv(&items),
        "id,name,grants,expires_at\n\
         7,\"'=HYPERLINK(\"\"https://a.example\"\")\",,'-1\n\
         -7,\"'+1, \\u{202e}\",\"'@a, b\",true\n"
    );
    let nested = Table::new(&[("URL", "upstream/url")], &["protocol", "name"]);
    assert_eq!(nested.csv(&[]), "upstream.url\n");
    let repo = json!({"protocol": "npm", "name": "main"});
    assert_eq!(nested.names(&[repo]), "npm/main\n");
}
