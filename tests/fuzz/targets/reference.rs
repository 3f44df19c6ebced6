//! Names and references that are read are written as they were.
#![no_main]
use larder_model::{ImageName, Pattern, Reference, RepoName, Tag, UserName};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(name) = text.parse::<ImageName>() {
        assert_eq!(name.to_string(), text);
        assert!(!text.contains("..") && !text.contains("//") && text.is_ascii());
    }
    if let Ok(reference) = text.parse::<Reference>() {
        assert_eq!(reference.to_string(), text);
    }
    if let Ok(tag) = text.parse::<Tag>() {
        assert!(tag.as_str().len() <= 128 && !tag.as_str().contains('/'));
    }
    if let Ok(repo) = text.parse::<RepoName>() {
        assert!(!repo.as_str().contains('/'));
    }
    if let Ok(user) = text.parse::<UserName>() {
        assert!(!user.as_str().contains(':'));
    }
    if let Some((pattern, name)) = text.split_once('\n') {
        if let Ok(pattern) = pattern.parse::<Pattern>() {
            let _ = pattern.matches(name);
            assert!(pattern.covers(&pattern));
        }
    }
});
