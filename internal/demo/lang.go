package demo

import "strings"

// words are the demo's texts in one language.
type words struct {
	title, console, gateway, old, new, share, step, clients, found                    string
	requests, errors, exposed, late, latency, perSecond                               string
	phases                                                                            map[string]string
	verdicts                                                                          map[string]string
	starting, warming, begins, entering, standIn, planted, live, keep, stopped, wrong string
	doneClean, doneRolled, asPlanned, notPlanned, summary                             string
}

// wordsFor chooses by the locale, such as zh_CN.UTF-8.
func wordsFor(locale string) words {
	if strings.HasPrefix(strings.ToLower(locale), "zh") {
		return chinese()
	}
	return english()
}

func english() words {
	return words{
		title: "Jindu demo: a live order service crosses from Java to Go", console: "console", gateway: "gateway",
		old: "old", new: "new", share: "share", step: "step %d of %d", clients: "clients", found: "differs",
		requests: "%d requests", errors: "%d wrong", exposed: "%d exposed", late: "%d late", latency: "p50 %s  p99 %s", perSecond: "%.0f/s",
		phases:   map[string]string{"observe": "observe", "mirror": "mirror: copies are compared, no user moves", "ramp": "ramp", "hold": "hold: everyone is on the new side", "done": "done", "rolled_back": "rolled back"},
		verdicts: map[string]string{"pass": "pass", "fail": "FAIL", "not_enough": "not enough yet"},
		starting: "starting a node, the store and the old order service",
		warming:  "traffic: %.0f requests a second over %d users, all answered by %s",
		begins:   "the migration begins: %s to %s",
		entering: "the new order service starts beside the old one",
		standIn:  "no JDK 17 was found: a stand-in in Go plays the old service; install a JDK, or run with --install",
		planted:  "planted in the new service: %s, %s",
		live:     "it shows in live traffic only, so some users will meet it before the rollback",
		keep:     "everything keeps running; see %s, stop with Ctrl-C",
		stopped:  "everything is stopped",
		wrong:    "wrong answer: %s",

		doneClean:  "everyone is on the new service; every answer was what the old one would have given",
		doneRolled: "everyone is back on the old service: %s",
		asPlanned:  "as expected", notPlanned: "NOT as expected: %s",
		summary: "%d requests, %d wrong, %d exposed, in %.1f s",
	}
}

func chinese() words {
	return words{
		title: "津渡演示：线上订单服务从 Java 迁到 Go", console: "控制台", gateway: "网关",
		old: "旧", new: "新", share: "份额", step: "第 %d 步，共 %d 步", clients: "客户端", found: "差异",
		requests: "%d 次请求", errors: "%d 次答错", exposed: "%d 次波及用户", late: "%d 次迟发", latency: "p50 %s  p99 %s", perSecond: "%.0f/秒",
		phases:   map[string]string{"observe": "观察", "mirror": "镜像：比对副本，不动用户", "ramp": "放量", "hold": "驻留：所有用户都在新侧", "done": "完成", "rolled_back": "已回滚"},
		verdicts: map[string]string{"pass": "通过", "fail": "不通过", "not_enough": "证据不足"},
		starting: "启动节点、存储和旧订单服务",
		warming:  "流量：每秒 %.0f 次请求，%d 个用户，全部由 %s 回答",
		begins:   "迁移开始：%s 到 %s",
		entering: "新订单服务在旧服务旁边启动",
		standIn:  "没有找到 JDK 17：由 Go 替身扮演旧服务；请安装 JDK，或加 --install 运行",
		planted:  "新服务中埋了缺陷：%s，%s",
		live:     "它只在真实流量中显现，回滚之前会有部分用户遇到",
		keep:     "一切继续运行；请看 %s，按 Ctrl-C 停止",
		stopped:  "全部已停止",
		wrong:    "答错：%s",

		doneClean:  "所有用户都在新服务上；每个回答都与旧服务一致",
		doneRolled: "所有用户都已回到旧服务：%s",
		asPlanned:  "符合预期", notPlanned: "不符合预期：%s",
		summary: "%d 次请求，%d 次答错，%d 次波及用户，%.1f 秒",
	}
}
