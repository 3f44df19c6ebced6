use super::*;

fn package(name: &str, repo: &str, hosted: bool) -> api::Package {
    api::Package {
        name: name.to_owned(),
        hosted,
        repositories: vec![repo.parse().expect("a repository")],
        updated_at: Timestamp(0),
    }
}

fn names(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| &*row.name).collect()
}

#[test]
fn one_name_of_several_repositories_is_one_row() {
    let mirror = ["a", "b"].map(|name| package(name, "npm/upstream", false));
    let hosted = [package("b", "npm/local", true)];
    let other = [package("b", "cargo/local", true)];
    let lists = [mirror.to_vec(), hosted.to_vec(), other.to_vec()];
    let (rows, next) = merge(lists.map(api::List::whole).into());
    assert_eq!((names(&rows), next), (vec!["a", "b", "b"], None));
    let npm = rows
        .iter()
        .find(|row| row.repositories.len() == 2)
        .expect("both");
    assert!(npm.hosted);
    assert_eq!(npm.page(), "/packages/npm/local/b");
    assert_eq!(
        npm.page_in(&npm.repositories[1]),
        "/packages/npm/upstream/b"
    );
}

#[test]
fn nothing_is_shown_behind_what_is_known_of_all() {
    let lists = vec![
        api::List::part(vec![package("b", "npm/a", true)], Some("b".to_owned())),
        api::List::whole(vec![
            package("a", "npm/b", true),
            package("c", "npm/b", true),
        ]),
    ];
    let (rows, next) = merge(lists);
    assert_eq!((names(&rows), next.as_deref()), (vec!["a", "b"], Some("b")));
}

#[test]
fn pages_follow_each_other_without_loss() {
    let all: Vec<String> = (0..ROWS + 7)
        .map(|number| format!("p{number:03}"))
        .collect();
    let list = |repo: &str, from: &str| {
        let rest = all.iter().filter(|name| name.as_str() > from);
        let items = rest.map(|name| package(name, repo, false)).take(ROWS);
        let items: Vec<_> = items.collect();
        let last = items.last().map(|item| item.name.clone());
        let more = last.filter(|last| last != all.last().expect("a last one"));
        api::List::part(items, more)
    };
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let (rows, next) = merge(vec![list("npm/a", &after), list("cargo/b", &after)]);
        seen.extend(rows.into_iter().map(|row| row.name));
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    seen.dedup();
    assert_eq!(seen, all);
}
