"""The starter site's words, in three languages. Rates never stand here: pages read them when shown."""

from typing import Any

type Words = dict[str, Any]

HOME: dict[str, Words] = {
    "en": {
        "title": "Home",
        "headline": "Recommend what you love. See every cent explained.",
        "lead": "An affiliate network where every sale has a reason, every amount leads to its proof, and payouts arrive exactly once.",
        "description": "Join programs, share tracked links, and see for every commission why it is what it is.",
        "steps": ("How it works", [
            ("Join a program", "One address, one code. Your link is ready before your tea is."),
            ("Share your link", "Any page of the shop, with a short address that never breaks."),
            ("Get paid monthly", "Approved by two people, sent by Stripe, with a statement you can check."),
        ]),
        "programs": "Open programs",
        "promises": ("What you can hold us to", [
            ("Nothing vanishes", "Every click and every order we receive has a record, a verdict and a reason."),
            ("The past stays as it was", "A new rate is a new version. What you earned under the old one stays."),
            ("Paid exactly once", "Books in double entry, two people for every run, and a proof of the algorithm."),
            ("You see why", "Every figure is a link: to the sale, the rule, the click and the ledger line."),
            ("Also why not", "An order that earns nothing is shown too, with the reason."),
            ("Yours to run", "Open source, on your own machine. No third party on any page."),
        ]),
        "questions": ("Questions", [
            ("When am I paid?", "Once a month. A sale is approved when it can no longer be returned; what is approved by the end of the month is in the next run."),
            ("What if an order is returned?", "Its commission is taken back. If it was paid already, the next payout is smaller by it, and the statement says so."),
            ("Whose sale is it when two partners sent the visitor?", "The last click within the program's window wins. The explanation shows the other clicks too."),
        ]),
    },
    "zh-hans": {
        "title": "首页",
        "headline": "推荐你喜爱的，每一分钱都说得清。",
        "lead": "在这个联盟网络里，每笔订单都有归因，每个金额都能追到凭证，每次付款都恰好到账一次。",
        "description": "加入计划，分享推广链接，每笔佣金都能看到来龙去脉。",
        "steps": ("如何运作", [
            ("加入计划", "一个邮箱，一个验证码，茶还没泡好，链接已经就绪。"),
            ("分享链接", "商店的任何页面都可以，短链接永久有效。"),
            ("按月收款", "双人审批，由 Stripe 汇出，附可核对的结算单。"),
        ]),
        "programs": "开放的计划",
        "promises": ("我们的承诺", [
            ("什么都不会消失", "收到的每次点击、每笔订单都有记录、结论和原因。"),
            ("过去不会改变", "新费率就是新版本，旧版本下赚到的仍然是你的。"),
            ("恰好付款一次", "复式记账，每个付款批次由两人把关，算法经过证明。"),
            ("看得到为什么", "每个数字都是链接，通向订单、规则、点击和账目。"),
            ("也看得到为什么没有", "没有佣金的订单同样显示，并写明原因。"),
            ("由你自己运行", "开源，部署在你自己的服务器上，页面上没有第三方。"),
        ]),
        "questions": ("常见问题", [
            ("什么时候付款？", "每月一次。订单过了退货期即获批准，月底前批准的佣金进入下一个付款批次。"),
            ("订单退货了怎么办？", "相应佣金会冲回。如果已经付款，下次付款会相应减少，结算单上会写明。"),
            ("两位伙伴都带来了同一位访客，算谁的？", "在计划的归因期内，最后一次点击胜出。说明页也会列出其他点击。"),
        ]),
    },
    "zh-hant": {
        "title": "首頁",
        "headline": "推薦你喜愛的，每一分錢都說得清。",
        "lead": "在這個聯盟網路裡，每筆訂單都有歸因，每個金額都能追到憑證，每次付款都恰好入帳一次。",
        "description": "加入計畫，分享推廣連結，每筆佣金都能看到來龍去脈。",
        "steps": ("如何運作", [
            ("加入計畫", "一個電子郵件，一組驗證碼，茶還沒泡好，連結已經就緒。"),
            ("分享連結", "商店的任何頁面都可以，短網址永久有效。"),
            ("按月收款", "雙人審批，由 Stripe 匯出，附可核對的結算單。"),
        ]),
        "programs": "開放的計畫",
        "promises": ("我們的承諾", [
            ("什麼都不會消失", "收到的每次點擊、每筆訂單都有紀錄、結論和原因。"),
            ("過去不會改變", "新費率就是新版本，舊版本下賺到的仍然是你的。"),
            ("恰好付款一次", "複式記帳，每個付款批次由兩人把關，演算法經過證明。"),
            ("看得到為什麼", "每個數字都是連結，通往訂單、規則、點擊和帳目。"),
            ("也看得到為什麼沒有", "沒有佣金的訂單同樣顯示，並寫明原因。"),
            ("由你自己運行", "開放原始碼，部署在你自己的伺服器上，頁面上沒有第三方。"),
        ]),
        "questions": ("常見問題", [
            ("什麼時候付款？", "每月一次。訂單過了退貨期即獲核准，月底前核准的佣金進入下一個付款批次。"),
            ("訂單退貨了怎麼辦？", "相應佣金會沖回。如果已經付款，下次付款會相應減少，結算單上會寫明。"),
            ("兩位夥伴都帶來了同一位訪客，算誰的？", "在計畫的歸因期內，最後一次點擊勝出。說明頁也會列出其他點擊。"),
        ]),
    },
}  # fmt: skip

HELP: dict[str, Words] = {
    "en": {
        "title": "Help",
        "lead": "Short answers for partners, merchants and finance.",
        "questions": ("Most asked", [
            ("My sale is not there", "Orders appear within seconds after the shop reports them. Look under Earnings for lines that are not paid: each says why."),
            ("Why is my commission on hold?", "Until the order can no longer be returned. The date stands on the line and on its explanation."),
            ("How do I change where I am paid?", "Under Settings, Payout. A changed bank account waits some days before money goes there, and we write to your address."),
            ("How does a shop report orders?", "By our API or a postback, server to server. The merchant's Setup page has a command to copy."),
            ("What does “outcome unknown” mean at a payout?", "Stripe did not answer. We look there before anything is sent again, so nothing is paid twice."),
        ]),
    },
    "zh-hans": {
        "title": "帮助",
        "lead": "为伙伴、商家和财务准备的简明解答。",
        "questions": ("最常见的问题", [
            ("看不到我的订单", "商店上报后几秒内就会出现。在“收益”里查看未付款的条目，每一条都写明原因。"),
            ("佣金为什么在等待？", "要等到订单过了退货期。日期写在条目和说明页上。"),
            ("怎样更换收款账户？", "在“设置”的“收款”里。更换后的账户要等几天才会收款，我们也会发邮件通知你。"),
            ("商店怎样上报订单？", "通过我们的 API 或回传，由服务器到服务器。商家的“接入”页面有可复制的命令。"),
            ("付款的“结果未知”是什么意思？", "Stripe 没有回应。再次发送之前我们会先去核对，因此不会重复付款。"),
        ]),
    },
    "zh-hant": {
        "title": "說明",
        "lead": "為夥伴、商家和財務準備的簡明解答。",
        "questions": ("最常見的問題", [
            ("看不到我的訂單", "商店回報後幾秒內就會出現。在「收益」裡查看未付款的項目，每一項都寫明原因。"),
            ("佣金為什麼在等待？", "要等到訂單過了退貨期。日期寫在項目和說明頁上。"),
            ("怎樣更換收款帳戶？", "在「設定」的「收款」裡。更換後的帳戶要等幾天才會收款，我們也會寄信通知你。"),
            ("商店怎樣回報訂單？", "透過我們的 API 或回傳，由伺服器到伺服器。商家的「串接」頁面有可複製的指令。"),
            ("付款的「結果未知」是什麼意思？", "Stripe 沒有回應。再次送出之前我們會先去核對，因此不會重複付款。"),
        ]),
    },
}  # fmt: skip

#: A program page's own words by language; its figures are live.
PROGRAM: dict[str, Words] = {
    "en": {
        "steps": ("Three steps", [
            ("Get your link", "Enter your address, type the code we send."),
            ("Put it where you recommend", "Any page of the shop works. Say that you earn from it."),
            ("Watch it work", "Clicks in seconds, orders as they are reported, each with its explanation."),
        ]),
    },
    "zh-hans": {
        "steps": ("三个步骤", [
            ("领取链接", "输入邮箱，填写我们发送的验证码。"),
            ("放到你推荐的地方", "商店的任何页面都可以。请注明你会从中获得佣金。"),
            ("看它发挥作用", "点击几秒可见，订单一上报就显示，每一笔都有说明。"),
        ]),
    },
    "zh-hant": {
        "steps": ("三個步驟", [
            ("領取連結", "輸入電子郵件，填寫我們寄出的驗證碼。"),
            ("放到你推薦的地方", "商店的任何頁面都可以。請註明你會從中獲得佣金。"),
            ("看它發揮作用", "點擊幾秒可見，訂單一回報就顯示，每一筆都有說明。"),
        ]),
    },
}  # fmt: skip
