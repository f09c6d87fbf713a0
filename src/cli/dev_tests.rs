//! What `dev` prints can be pasted.

use super::*;

fn demo() -> Demo {
    let app = App {
        id: AppId::trusted(APP),
        key: "appkey".into(),
        sign: "sign".into(),
        name: APP.into(),
        sdkappid: 1,
        administrators: Vec::new(),
        data_center: String::new(),
        event_callback_url: String::new(),
        audit: Audit::None,
        life_cycle: LifeCycle::Days30,
        disabled: false,
        created: crate::domain::Millis(0),
        modified: crate::domain::Millis(0),
    };
    Demo { app: Arc::new(app), key: AccessKey { id: "id".into(), secret: "secret".into(), created: crate::domain::Millis(0) } }
}

#[test]
fn a_login_is_valid_and_needs_no_quoting() {
    let clock = Clock::standing();
    for (user, role) in USERS {
        let login = demo().login(user, role, &clock, &Ids::seeded(1));
        assert!(crate::alibaba::explain::login(&STANDARD.encode(&login), "appkey", clock.now()).good);
        assert!(!login.contains('\''));
    }
}

#[test]
fn every_mark_of_the_scripts_is_one_that_is_filled_in() {
    let known = ["TOKEN", "SESSIONS", "USER", "KEY_ID", "KEY_SECRET", "CONTROL"];
    for script in [CLIENT, SERVER] {
        let marks: Vec<&str> = script.split('@').skip(1).step_by(2).collect();
        assert!(!marks.is_empty() && marks.iter().all(|mark| known.contains(mark)), "{marks:?}");
        // The here-document that carries it must not end early.
        assert!(script.ends_with('\n') && !script.lines().any(|line| line == "END"));
    }
}

#[test]
fn a_temporary_folder_is_ours_alone_and_goes() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new(None, &Ids::random()).unwrap();
    let path = folder.path.clone();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    std::fs::write(path.join("x"), "x").unwrap();
    drop(folder);
    assert!(!path.exists());
}
