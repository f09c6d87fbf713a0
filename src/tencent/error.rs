//! Every error code that this cloud's REST API answers with (`tencent.md` §1.4–§1.8), and the one place where
//! a refusal of the rules becomes one of them: each family of services has codes of its own. The HTTP status
//! is 200 whatever the code.

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
    BadAccountParameter = 70402,
    AccountFault = 70500,
    // Groups (§1.6).
    GroupFault = 10002,
    NoSuchGroupCommand = 10003,
    BadGroupParameter = 10004,
    GroupNotAllowed = 10007,
    /// It was there, and was disbanded (§8, A13).
    GroupGone = 10010,
    GroupFull = 10014,
    NoSuchGroup = 10015,
    Muted = 10017,
    AnswerTooLong = 10018,
    TooManyMessages = 10023,
    // Messages (§1.7).
    Filtered = 80001,
    MessageTooLong = 80002,
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
}

/// An error as a caller sees it: the code, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestError {
    pub code: Code,
    pub info: String,
}

impl RestError {
    pub fn new(code: Code, info: impl Into<String>) -> RestError {
        RestError { code, info: info.into() }
    }
}

impl fmt::Display for RestError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.code as u32, self.info)
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
        }
    }

    /// A fault of ours.
    pub fn fault(self) -> Code {
        match self {
            Family::Live => Code::LiveFault,
            Family::Group => Code::GroupFault,
            Family::Account => Code::AccountFault,
        }
    }

    pub fn refusal(self, refusal: &Refusal) -> RestError {
        let code = match self {
            Family::Live => live(refusal),
            Family::Group | Family::Account => im(refusal),
        };
        let code = match code {
            Said::As(code) => code,
            Said::BadParameter => self.bad_parameter(),
            Said::Fault => self.fault(),
        };
        RestError::new(code, refusal.to_string())
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

/// What the services of the chat answer with.
fn im(refusal: &Refusal) -> Said {
    use Refusal::*;
    Said::As(match refusal {
        NoSuchGroup(_) => Code::NoSuchGroup,
        GroupDeleted(_) => Code::GroupGone,
        NotAllowed(_) | Banned { .. } => Code::GroupNotAllowed,
        GroupFull(_) => Code::GroupFull,
        other => return common(other),
    })
}

/// What both say alike. No rest is matched in one arm: a new refusal has to be thought of here.
fn common(refusal: &Refusal) -> Said {
    use Refusal::*;
    Said::As(match refusal {
        NoSuchApp(_) => Code::BadSdkAppId,
        AppDisabled(_) => Code::AppDisabled,
        LoginRevoked => Code::UserSigExpired,
        Muted => Code::Muted,
        Moderated(_) => Code::Filtered,
        MessageTooLong { .. } => Code::MessageTooLong,
        TooFast(_) | GroupTooFast => Code::TooManyMessages,
        Unavailable | Busy | Internal | NotConfirmed(_) | NoSession => return Said::Fault,
        TooManyApps(_)
        | NoSuchAccount(_)
        | TooManyAccounts(_)
        | TooManyJoined(_)
        | OwnerCannotQuit(_)
        | HookRefused { .. }
        | HookSilent
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
        | StreamFull(_) => return Said::BadParameter,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_its_codes() {
        let member = || Refusal::NoSuchMember { user: "u".into(), group: "g".into() };
        for (refusal, live, group, account) in [
            (Refusal::NoSuchGroup("g".into()), 100004, 10015, 10015),
            (Refusal::GroupDeleted("g".into()), 100004, 10010, 10010),
            (member(), 100005, 10004, 70402),
            (Refusal::NotAllowed("x".into()), 100006, 10007, 10007),
            (Refusal::Banned { user: "u".into(), group: "g".into() }, 100016, 10007, 10007),
            (Refusal::TooManyAdmins(5), 100020, 10004, 70402),
            (Refusal::WebhookExists, 100300, 10004, 70402),
            (Refusal::NoWebhook, 100301, 10004, 70402),
            (Refusal::TokenIncomplete, 100002, 10004, 70402),
            (Refusal::TooManyGroups(1), 100002, 10004, 70402),
            (Refusal::TooMuchMetadata("x".into()), 100002, 10004, 70402),
            (Refusal::Muted, 10017, 10017, 10017),
            (Refusal::Moderated(String::new()), 80001, 80001, 80001),
            (Refusal::AppDisabled("a".into()), 60016, 60016, 60016),
            (Refusal::LoginRevoked, 70001, 70001, 70001),
            (Refusal::Busy, 100001, 10002, 70500),
            (Refusal::Unavailable, 100001, 10002, 70500),
        ] {
            let codes = [Family::Live, Family::Group, Family::Account].map(|family| family.refusal(&refusal).code as u32);
            assert_eq!(codes, [live, group, account], "{refusal}");
        }
    }
}
