//! Every error code that this cloud's REST API answers with (`tencent.md` §1.4–§1.8), and the one place where
//! a refusal of the rules becomes one of them: each family of services has codes of its own. The HTTP status
//! is 200 whatever the code. A business's server that is asked before something is done may choose a code itself.

use crate::{domain::Refusal, form::BadForm};
use std::fmt;

/// All that are answered, as the documents sort them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    // The gateway's (§1.4).
    /// Not POST, or parameters that cannot be decoded.
    BadHttp = 60002,
    BadJson = 60003,
    NoIdentifier = 60004,
    /// No number, or nobody's.
    BadSdkAppId = 60006,
    TooManyCalls = 60007,
    /// We are too busy, or too slow.
    Overloaded = 60008,
    NoSuchCommand = 60009,
    NotAdministrator = 60010,
    NoSdkAppId = 60012,
    AppDisabled = 60016,
    // Accounts and signatures (§1.5).
    UserSigExpired = 70001,
    NoUserSig = 70002,
    UserSigMalformed = 70003,
    /// Not made with this application's key.
    WrongSignature = 70009,
    OtherUser = 70013,
    OtherApp = 70014,
    TooManyFailures = 70050,
    NoSuchAccount = 70107,
    /// As many as an application may have.
    AccountsFull = 70398,
    BadAccountParameter = 70402,
    AccountFault = 70500,
    // Groups (§1.6).
    GroupFault = 10002,
    NoSuchGroupCommand = 10003,
    BadGroupParameter = 10004,
    TooManyAccounts = 10005,
    /// Too much waits for a business's answer.
    TooOften = 10006,
    /// To the user, or to a group of this type.
    GroupNotAllowed = 10007,
    OwnerCannotQuit = 10009,
    /// It was there, and was disbanded (§8, A13).
    GroupGone = 10010,
    GroupFull = 10014,
    NoSuchGroup = 10015,
    /// The business's server said no.
    GroupHookRefused = 10016,
    Muted = 10017,
    AnswerTooLong = 10018,
    NoSuchUser = 10019,
    GroupIdTaken = 10021,
    TooManyMessages = 10023,
    /// Taken by the one who wants it.
    GroupIdYours = 10025,
    NoSuchMessage = 10030,
    NoRecall = 10033,
    TooManyRooms = 10036,
    TooManyJoined = 10037,
    TooManyMembers = 10038,
    NoHistory = 10044,
    TooManyMentioned = 10053,
    TooManyGroups = 10058,
    // Messages (§1.7).
    BadDirect = 20001,
    DirectHookRefused = 20006,
    NoSuchDirect = 20022,
    Filtered = 80001,
    MessageTooLong = 80002,
    /// The business's server did not say anything, and was to.
    HookSilent = 80003,
    BadDirectJson = 90001,
    BadElements = 90002,
    BadReceiver = 90003,
    BadRandom = 90005,
    ElementsNoArray = 90007,
    BadSender = 90008,
    BadElement = 90010,
    TooManyReceivers = 90011,
    NoSuchReceiver = 90012,
    LifetimeTooLong = 90026,
    BadSync = 90031,
    BadLifetime = 90044,
    BadMessageKey = 90054,
    DirectFault = 91000,
    DirectTooLong = 93000,
    // Live rooms (§1.8).
    LiveFault = 100001,
    BadLiveParameter = 100002,
    RoomExists = 100003,
    NoSuchRoom = 100004,
    NotInRoom = 100005,
    RoomNotAllowed = 100006,
    OwnerBanned = 100016,
    TooManyAdmins = 100020,
    WebhookExists = 100300,
    NoWebhook = 100301,
    NoWebhookToken = 100302,
}

/// Services that have the same codes for the same refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Live rooms and their webhook.
    Live,
    /// Groups of the chat.
    Group,
    /// Who may log in.
    Account,
    /// Messages from one user to another.
    C2c,
}

/// An error as a caller sees it: the code, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestError {
    pub code: Code,
    /// What the caller is told: the code's number, or the one that the business's server chose instead.
    pub number: u32,
    pub info: String,
}

impl RestError {
    pub fn new(code: Code, info: impl Into<String>) -> RestError {
        RestError { code, number: code as u32, info: info.into() }
    }
}

impl fmt::Display for RestError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.number, self.info)
    }
}

impl std::error::Error for RestError {}

impl From<BadForm> for RestError {
    fn from(bad: BadForm) -> RestError {
        RestError::new(Code::BadHttp, format!("the URL is not readable: {bad}"))
    }
}

impl Family {
    /// A parameter with an illegal value.
    pub fn bad_parameter(self) -> Code {
        match self {
            Family::Live => Code::BadLiveParameter,
            Family::Group => Code::BadGroupParameter,
            Family::Account => Code::BadAccountParameter,
            Family::C2c => Code::BadDirect,
        }
    }

    /// A fault of ours.
    pub fn fault(self) -> Code {
        match self {
            Family::Live => Code::LiveFault,
            Family::Group => Code::GroupFault,
            Family::Account => Code::AccountFault,
            Family::C2c => Code::DirectFault,
        }
    }

    pub fn refusal(self, refusal: &Refusal) -> RestError {
        let code = match self {
            Family::Live => live(refusal),
            Family::Group => group(refusal),
            Family::Account => account(refusal),
            Family::C2c => direct(refusal),
        };
        let code = match code {
            Said::As(code) => code,
            Said::BadParameter => self.bad_parameter(),
            Said::Fault => self.fault(),
        };
        let error = RestError::new(code, refusal.to_string());
        match refusal {
            Refusal::HookRefused { code: Some(number), .. } => RestError { number: *number, ..error },
            _ => error,
        }
    }
}

/// How a refusal is said.
enum Said {
    As(Code),
    /// With the family's own code.
    BadParameter,
    Fault,
}

/// What live rooms answer with. A full quota is not documented, and is told as a parameter that will not do.
fn live(refusal: &Refusal) -> Said {
    use Refusal::*;
    Said::As(match refusal {
        NoSuchGroup(_) | GroupDeleted(_) => Code::NoSuchRoom,
        NoSuchMember { .. } => Code::NotInRoom,
        NotAllowed(_) => Code::RoomNotAllowed,
        Banned { .. } => Code::OwnerBanned,
        TooManyAdmins(_) => Code::TooManyAdmins,
        WebhookExists => Code::WebhookExists,
        NoWebhook => Code::NoWebhook,
        other => return common(other),
    })
}

/// What the chat answers with where a group is concerned.
fn group(refusal: &Refusal) -> Said {
    use Refusal::*;
    Said::As(match refusal {
        NoSuchGroup(_) => Code::NoSuchGroup,
        GroupDeleted(_) => Code::GroupGone,
        NotAllowed(_) | NotInGroup(_) | Banned { .. } => Code::GroupNotAllowed,
        OwnerCannotQuit(_) => Code::OwnerCannotQuit,
        GroupFull(_) => Code::GroupFull,
        NoSuchAccount(_) => Code::NoSuchUser,
        TooManyJoined(_) => Code::TooManyJoined,
        TooManyGroups(_) => Code::TooManyGroups,
        NoSuchMessage(_) => Code::NoSuchMessage,
        other => return common(other),
    })
}

/// What it answers with of accounts …
fn account(refusal: &Refusal) -> Said {
    match refusal {
        Refusal::NoSuchAccount(_) => Said::As(Code::NoSuchAccount),
        Refusal::TooManyAccounts(_) => Said::As(Code::AccountsFull),
        other => common(other),
    }
}

/// … and of messages from one to another, where a missing account is told as the receiver's.
fn direct(refusal: &Refusal) -> Said {
    use Refusal::*;
    Said::As(match refusal {
        NoSuchAccount(_) => Code::NoSuchReceiver,
        NoSuchMessage(_) => Code::NoSuchDirect,
        HookRefused { .. } => Code::DirectHookRefused,
        MessageTooLong { .. } => Code::DirectTooLong,
        other => return common(other),
    })
}

/// What all say alike. No rest is matched in one arm: a new refusal has to be thought of here.
fn common(refusal: &Refusal) -> Said {
    use Refusal::*;
    Said::As(match refusal {
        NoSuchApp(_) => Code::BadSdkAppId,
        AppDisabled(_) => Code::AppDisabled,
        LoginRevoked => Code::UserSigExpired,
        Muted => Code::Muted,
        Moderated(_) => Code::Filtered,
        MessageTooLong { .. } => Code::MessageTooLong,
        GroupTooFast => Code::TooManyMessages,
        // Ours, not the group's: it has another text than the documents' 10023.
        TooFast(_) => Code::TooOften,
        HookRefused { .. } => Code::GroupHookRefused,
        HookSilent => Code::HookSilent,
        Unavailable | Busy | Internal | NotConfirmed(_) | NoSession => return Said::Fault,
        TooManyApps(_)
        | NoSuchKey(_)
        | NoSuchGroup(_)
        | GroupDeleted(_)
        | TooManyGroups(_)
        | GroupEmpty(_)
        | TooManyTypes(_)
        | NotInGroup(_)
        | NoSuchMember { .. }
        | NoSuchMessage(_)
        | NotConnected(_)
        | NotAllowed(_)
        | TooManyMutes(_)
        | TooManyBans(_)
        | TooManyAdmins(_)
        | TooMuchMetadata(_)
        | TooMuchData { .. }
        | Banned { .. }
        | GroupFull(_)
        | WebhookExists
        | NoWebhook
        | TokenIncomplete
        | NoSuchSubscription(_)
        | TooManySubscriptions(_)
        | TooManyForAllChannels(_)
        | NoSuchChannel(_)
        | NotInChannel { .. }
        | BadTicket(_)
        | TicketExpired(_)
        | ChannelTooLarge(_)
        | NotForChannels(_)
        | TooManyChannels(_)
        | AlreadySubscribed(_)
        | TooLarge(_)
        | NoList(_)
        | Unrecoverable
        | Bad { .. }
        | NoSuchAccount(_)
        | TooManyAccounts(_)
        | OwnerCannotQuit(_)
        | TooManyJoined(_)
        | StreamFull(_) => return Said::BadParameter,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_its_codes() {
        let member = || Refusal::NoSuchMember { user: "u".into(), group: "g".into() };
        let hook = |code| Refusal::HookRefused { code, info: "no".into() };
        for (refusal, codes) in [
            (Refusal::NoSuchGroup("g".into()), [100004, 10015, 70402, 20001]),
            (Refusal::GroupDeleted("g".into()), [100004, 10010, 70402, 20001]),
            (member(), [100005, 10004, 70402, 20001]),
            (Refusal::NotAllowed("x".into()), [100006, 10007, 70402, 20001]),
            (Refusal::Banned { user: "u".into(), group: "g".into() }, [100016, 10007, 70402, 20001]),
            (Refusal::TooManyAdmins(5), [100020, 10004, 70402, 20001]),
            (Refusal::WebhookExists, [100300, 10004, 70402, 20001]),
            (Refusal::NoWebhook, [100301, 10004, 70402, 20001]),
            (Refusal::TokenIncomplete, [100002, 10004, 70402, 20001]),
            (Refusal::TooManyGroups(1), [100002, 10058, 70402, 20001]),
            (Refusal::TooMuchMetadata("x".into()), [100002, 10004, 70402, 20001]),
            (Refusal::Muted, [10017; 4]),
            (Refusal::Moderated(String::new()), [80001; 4]),
            (Refusal::MessageTooLong { what: "body", bytes: 2, most: 1 }, [80002, 80002, 80002, 93000]),
            (Refusal::AppDisabled("a".into()), [60016; 4]),
            (Refusal::LoginRevoked, [70001; 4]),
            (Refusal::Busy, [100001, 10002, 70500, 91000]),
            (Refusal::Unavailable, [100001, 10002, 70500, 91000]),
            (Refusal::NoSuchAccount("u".into()), [100002, 10019, 70107, 90012]),
            (Refusal::TooManyAccounts(1), [100002, 10004, 70398, 20001]),
            (Refusal::OwnerCannotQuit("g".into()), [100002, 10009, 70402, 20001]),
            (Refusal::TooManyJoined(1), [100002, 10037, 70402, 20001]),
            (Refusal::GroupFull("g".into()), [100002, 10014, 70402, 20001]),
            (Refusal::NoSuchMessage("m".into()), [100002, 10030, 70402, 20022]),
            (Refusal::GroupTooFast, [10023; 4]),
            (hook(None), [10016, 10016, 10016, 20006]),
            (hook(Some(10_150)), [10_150; 4]),
            (Refusal::HookSilent, [80003; 4]),
        ] {
            let told = [Family::Live, Family::Group, Family::Account, Family::C2c].map(|family| family.refusal(&refusal).number);
            assert_eq!(told, codes, "{refusal}");
        }
    }
}
