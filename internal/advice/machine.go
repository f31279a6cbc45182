package advice

// machineRows are about the machine of the gateway.
var machineRows = []Advice{
	{
		"folder", nil,
		Text{"数据目录不能写入", "The data folder cannot be written"},
		Text{"让服务器的用户拥有这个目录（chown），或用 store local <目录> 换一个；用服务器的用户运行这个命令", "Give the folder to the server's user (chown), or choose another one with store local <folder>; run this command as the server's user"},
	},
	{
		"folder-rights", nil,
		Text{"别的用户能读取数据目录里的文件", "Other users can read the files of the data folder"},
		Text{"chmod 700 目录，chmod 600 文件：里面有访客的 openid 和会话密钥", "chmod 700 the folder and chmod 600 the file: they contain openids and session keys"},
	},
	{
		"disk-space", nil,
		Text{"磁盘快满了", "The disk is almost full"},
		Text{"清理磁盘或扩容：磁盘满时不能登录，退出登录也保存不了", "Free or add disk space: with a full disk no visitor can sign in, and sign-outs are not stored"},
	},
	{
		"memory", nil,
		Text{"内存限制太小，或容器的限制没有告诉程序", "The memory limit is too small, or the program does not know that of its container"},
		Text{"给网关至少 256 MiB；在容器里把 GOMEMLIMIT 设为限制的九成", "Give the gateway at least 256 MiB; in a container set GOMEMLIMIT to nine tenths of its limit"},
	},
}
