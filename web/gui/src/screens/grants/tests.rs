use super::*;
use larder_model::{Role, Timestamp};

fn grant(id: &str, subject: &str, repository: &str) -> api::Grant {
    api::Grant {
        id: id.to_owned(),
        subject: subject.to_owned(),
        repository: repository.parse().expect("a pattern"),
        package: Pattern::all(),
        refs: None,
        role: Role::Reader,
        created_at: Timestamp(0),
        created_by: "user:admin".to_owned(),
        networks: Vec::new(),
        warning: None,
    }
}

#[test]
fn grants_stand_where_subject_and_repository_meet() {
    let grants = [
        grant("1", "user:b", "npm/*"),
        grant("2", "group:a", "npm/*"),
        grant("3", "user:b", "oci/x"),
        grant("4", "user:b", "npm/*"),
    ];
    let columns = ["npm/*".to_owned(), "oci/x".to_owned()];
    let ids: Vec<_> = table(&grants, &columns)
        .into_iter()
        .map(|(subject, cells)| {
            let ids = |cell: Vec<api::Grant>| cell.into_iter().map(|grant| grant.id).collect();
            (subject, cells.into_iter().map(ids).collect::<Vec<String>>())
        })
        .collect();
    assert_eq!(
        ids,
        [
            ("group:a".to_owned(), vec!["2".to_owned(), String::new()]),
            ("user:b".to_owned(), vec!["14".to_owned(), "3".to_owned()]),
        ]
    );
}

#[test]
fn subjects_have_pages() {
    assert_eq!(page_of("robot:ci").as_deref(), Some("/access/robots/ci"));
    assert_eq!(page_of("anonymous"), None);
    let path = delete_path(&grant("7", "group:a", "npm/*"));
    assert_eq!(
        path,
        "/access/grants/7/delete?subject=group%3Aa&repository=npm%2F*"
    );
}
