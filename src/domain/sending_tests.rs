//! The way of a message as tables: what stands before what, and for whom.

use super::*;
use crate::{
    domain::{
        Change, State,
        app::{Audit, Webhook},
        group::{Member, MemberKind},
        kind::GroupKind,
        mute::{Mutes, Until},
        session::Session,
        state::Rules,
    },
    fake,
};

/// A member `u` of the group `g` who says something there, or a server in its name.
struct Case {
    app: App,
    group: Group,
    draft: Draft,
    rules: Rules,
    passed: Passed,
    /// `None`: the member.
    voice: Option<Voice>,
    member: bool,
    usersig: bool,
    known: bool,
    repeated: bool,
    /// So many were said in this second.
    said: u32,
}

impl Case {
    fn new() -> Case {
        Case {
            app: fake::app("demo"),
            group: fake::group(1, "demo", "g"),
            draft: Draft::text("hi"),
            rules: Rules::default(),
            passed: Passed::default(),
            voice: None,
            member: true,
            usersig: false,
            known: true,
            repeated: false,
            said: 0,
        }
    }

    fn hooked(mut self) -> Case {
        self.app.chat_webhook = Some(Webhook { url: "http://h.example/".into(), words: vec![] });
        self
    }

    fn custom(mut self) -> Case {
        self.app.audit = Audit::Custom("http://a.example/".into());
        self
    }

    fn listed(mut self) -> Case {
        (self.app.audit, self.draft.flagged) = (Audit::BuiltIn, true);
        self
    }

    fn muted(mut self) -> Case {
        self.group.mutes = Mutes { users: [(user(), Until::Forever)].into(), ..Mutes::default() };
        self
    }

    fn long(mut self) -> Case {
        self.draft.body = "x".repeat(20_000);
        self
    }

    fn by(mut self, voice: Voice) -> Case {
        self.voice = Some(voice);
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Case)) -> Case {
        change(&mut self);
        self
    }

    fn next(self) -> String {
        let (mut state, sid) = (State::default(), SessionId::trusted("u"));
        state.apply(Change::App(Arc::new(self.app)));
        state.apply(Change::Group(Arc::new(self.group)));
        if self.known {
            let session = Session { usersig: self.usersig, ..fake::session("demo", "u") };
            state.apply(Change::Session(Arc::new(session)));
        }
        if self.member {
            let member = Member { user: user(), sid: Some(sid.clone()), kind: MemberKind::Live, joined: Millis(0), order: 1 };
            state.apply(Change::Member(Gid(1), Arc::new(member)));
        }
        state.apply(Change::Pace(Gid(1), Pace { began: Tick(0), messages: self.said }));
        let tx = Tx::new(&mut state, &self.rules, Millis(0), Tick(0));
        let sender = Sender { user: user(), info: String::new(), client: None };
        let first = self.repeated.then(|| Said { tid: Tid::trusted("t"), seq: Some(7), at: Millis(0) });
        let (app, group) = (&AppId::trusted("demo"), &GroupId::trusted("g"));
        let speaker = self.voice.map_or(Speaker::Member(&sid), |voice| Speaker::Server(&sender, voice));
        match next(&tx, &Sending { app, group, speaker, draft: &self.draft, first, passed: self.passed }) {
            Ok(Next::AskHook(_)) => "hook".into(),
            Ok(Next::AskModeration) => "moderation".into(),
            Ok(Next::Repeat(said)) => format!("repeat of {}", said.seq.unwrap_or(0)),
            Ok(Next::Drop(why)) => format!("{why:?}"),
            Ok(Next::Say(_, None)) => "say".into(),
            Ok(Next::Say(_, Some(_))) => "say, counted".into(),
            Err(why) => why.to_string(),
        }
    }
}

fn user() -> UserId {
    UserId::trusted("u")
}

fn member() -> Case {
    Case::new()
}

fn server() -> Case {
    Case::new().by(Voice::Server)
}

fn named() -> Case {
    Case::new().by(Voice::User)
}

#[test]
fn what_stands_before_what() {
    let gone = |case: &mut Case| case.group.deleted = Some((Millis(0), String::new()));
    let away = |case: &mut Case| case.member = false;
    let over = |case: &mut Case| (case.usersig, case.said) = (true, 40);
    let everything = || member().hooked().custom().muted().long().with(gone).with(over).with(|case| case.repeated = true);
    let existing = || everything().with(|case| case.group.deleted = None);
    let heard = || existing().with(|case| case.group.mutes = Mutes::default());
    let short = || heard().with(|case| case.draft.body = "x".into());
    let fresh = || short().with(|case| case.repeated = false);
    let hook = Passed { hook: true, moderation: false };
    for (what, case, expected) in [
        ("existence", everything(), "group g was deleted"),
        ("membership", existing().with(away), "not in group g; subscribe to it first"),
        ("mutes", existing(), "muted in this group"),
        ("size", heard(), "body has 20000 bytes; 15360 are allowed"),
        ("the size of what was added", short().with(|case| case.draft.custom = "c".repeat(12_289)), "what the sender added has 12289 bytes; 12288 are allowed"),
        ("whether it was said before", short(), "repeat of 7"),
        ("the business", fresh(), "hook"),
        ("the moderation", fresh().with(|case| case.passed = hook), "moderation"),
        ("the word list", fresh().listed().with(|case| case.passed = hook), "refused by moderation: it contains a forbidden word"),
        ("the pace", fresh().with(|case| case.passed = Passed::ALL), "TooMany"),
        ("nothing more", fresh().with(|case| (case.passed, case.said) = (Passed::ALL, 39)), "say, counted"),
    ] {
        assert_eq!(case.next(), expected, "{what}");
    }
}

#[test]
fn who_is_asked_about_and_counted() {
    let alone = |case: &mut Case| case.member = false;
    let full = |case: &mut Case| case.said = 40;
    let reject = |case: &mut Case| case.app.chat.rate_mode = RateMode::Reject;
    for (what, case, expected) in [
        ("a member", member(), "say"),
        ("a member whose login counts nothing has no pace", member().with(full), "say"),
        ("a member of the chat", member().with(|case| case.usersig = true), "say, counted"),
        ("one too many is dropped", member().with(|case| case.usersig = true).with(full), "TooMany"),
        ("or refused", named().with(full).with(reject), "msg count exceeds limit,please retry later"),
        ("any number", named().with(full).with(|case| case.rules.quotas.group_messages_per_second = 0), "say, counted"),
        ("the business as itself", server(), "say"),
        ("it is not muted", server().muted(), "say"),
        ("nor moderated", server().custom(), "say"),
        ("unless a setting says so", server().custom().with(|case| case.rules.moderate_servers = true), "moderation"),
        ("its hook is asked", server().hooked().custom(), "hook"),
        ("nobody would hear it", server().hooked().with(alone), "group g has no member online; a message reaches only who is there"),
        ("somebody has heard it", server().with(alone).with(|case| case.repeated = true), "repeat of 7"),
        ("the business as a user", named(), "say, counted"),
        ("who need not be in", named().with(alone), "say, counted"),
        ("but is muted", named().muted(), "muted in this group"),
        ("unless it is an administrator of the application", named().muted().with(|case| case.app.administrators = vec!["u".into()]), "say, counted"),
        ("and moderated", named().custom(), "moderation"),
        ("and has to be there", named().with(alone).with(|case| case.known = false), "user u does not exist; import it first"),
        ("an exception", member().hooked().custom().with(|case| case.draft.forbid_before = true), "moderation"),
        ("who rules may skip the moderation", member().listed().with(|case| (case.draft.skip_audit, case.group.owner) = (true, "u".into())), "say"),
        ("who does not may not", member().listed().with(|case| case.draft.skip_audit = true), "refused by moderation: it contains a forbidden word"),
        ("every kind of group", member().with(|case| case.group.kind = GroupKind::Public), "say"),
    ] {
        assert_eq!(case.next(), expected, "{what}");
    }
}
