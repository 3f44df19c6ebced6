use super::*;
use serde_json::json;

const COLUMNS: [Column; 4] = [
    ("ID", "id"),
    ("NAME", "name"),
    ("LIMITS", "grants"),
    ("EXPIRES", "expires_at"),
];

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
        list(&COLUMNS, &items),
        record(&COLUMNS, &items[1])
    );
    assert_eq!(shown, include_str!("../../testdata/tables.txt"));
    let nested = json!({"upstream": {"url": "https://registry.example/", "allow": ["https://a.example", "b\u{7}"]}});
    let columns = [
        ("Upstream", "upstream/url"),
        ("Also", "upstream/allow"),
        ("None", "upstream/x/y"),
    ];
    assert_eq!(
        record(&columns, &nested),
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
    assert_eq!(list(&COLUMNS, &[]), "ID  NAME  LIMITS  EXPIRES\n");
}
