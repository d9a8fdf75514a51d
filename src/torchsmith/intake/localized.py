"""Messages of Windows in other languages -> the English ones, by their number or their words."""

from __future__ import annotations

import re

from torchsmith.model.pattern import pattern

ENGLISH = {
    2: "The system cannot find the file specified",
    5: "Access is denied",
    112: "There is not enough space on the disk",
    126: "The specified module could not be found",
    127: "The specified procedure could not be found",
    193: "%1 is not a valid Win32 application",
    206: "The filename or extension is too long",
    1114: "A dynamic link library (DLL) initialization routine failed",
    1455: "The paging file is too small for this operation to complete",
}
_NUMBERED = pattern(r"\[WinError (\d{1,5})\] ?")
# As Windows prints them, up to the full stop; simplified and traditional Chinese, Japanese, Korean, German, French, Spanish,
# Portuguese, Italian, Russian, Polish.
_SAID = {
    126: (
        "找不到指定的模块",
        "找不到指定的模組",
        "指定されたモジュールが見つかりません",
        "지정된 모듈을 찾을 수 없습니다",
        "Das angegebene Modul wurde nicht gefunden",
        "Le module spécifié est introuvable",
        "No se puede encontrar el módulo especificado",
        "No se encontró el módulo especificado",
        "Não foi possível encontrar o módulo especificado",
        "Impossibile trovare il modulo specificato",
        "Не найден указанный модуль",
        "Nie można odnaleźć określonego modułu",
        "Belirtilen modül bulunamadı",
    ),
    127: (
        "找不到指定的程序",
        "指定されたプロシージャが見つかりません",
        "지정된 프로시저를 찾을 수 없습니다",
        "Die angegebene Prozedur wurde nicht gefunden",
        "La procédure spécifiée est introuvable",
        "No se encontró el proceso especificado",
        "No se puede encontrar el procedimiento especificado",
        "Não foi possível encontrar o procedimento especificado",
        "Impossibile trovare la procedura specificata",
        "Не найдена указанная процедура",
        "Nie można odnaleźć określonej procedury",
    ),
    193: (
        "不是有效的 Win32 应用程序",
        "不是正確的 Win32 應用程式",
        "は有効な Win32 アプリケーションではありません",
        "ist keine zulässige Win32-Anwendung",
        "n'est pas une application Win32 valide",
        "no es una aplicación Win32 válida",
        "não é um aplicativo Win32 válido",
        "не является приложением Win32",
    ),
    1114: (
        "动态链接库(DLL)初始化例程失败",
        "動態連結程式庫 (DLL) 初始化例行程序失敗",
        "ダイナミック リンク ライブラリ (DLL) 初期化ルーチンの実行に失敗しました",
        "DLL 초기화 루틴을 실행할 수 없습니다",
        "Eine DLL-Initialisierungsroutine ist fehlgeschlagen",
        "Une routine d'initialisation d'une bibliothèque de liens dynamiques (DLL) a échoué",
        "Error en una rutina de inicialización de biblioteca de vínculos dinámicos (DLL)",
        "Uma rotina de inicialização da biblioteca de vínculo dinâmico (DLL) falhou",
        "Произошел сбой в программе инициализации библиотеки динамической компоновки (DLL)",
    ),
    1455: (
        "页面文件太小,无法完成操作",
        "分頁檔太小,無法完成操作",
        "ページング ファイルが小さすぎるため、この操作を完了できません",
        "페이징 파일이 너무 작기 때문에 이 작업을 완료할 수 없습니다",
        "Die Auslagerungsdatei ist zu klein, um diesen Vorgang durchzuführen",
        "Le fichier de pagination est insuffisant pour terminer cette opération",
        "El archivo de paginación es demasiado pequeño para completar la operación",
        "O arquivo de paginação é muito pequeno para que esta operação seja concluída",
        "Файл подкачки слишком мал для завершения операции",
    ),
    112: (
        "磁盘空间不足",
        "磁碟空間不足",
        "ディスクに十分な空き領域がありません",
        "Es steht nicht genug Speicherplatz auf dem Datenträger zur Verfügung",
        "Espace insuffisant sur le disque",
        "Espacio en disco insuficiente",
    ),
    5: (
        "拒绝访问",
        "存取被拒",
        "アクセスが拒否されました",
        "Zugriff verweigert",
        "Accès refusé",
        "Acceso denegado",
        "Отказано в доступе",
    ),
    2: (
        "系统找不到指定的文件",
        "系統找不到指定的檔案",
        "指定されたファイルが見つかりません",
        "Das System kann die angegebene Datei nicht finden",
        "Le fichier spécifié est introuvable",
        "El sistema no puede encontrar el archivo especificado",
        "Не удается найти указанный файл",
    ),
    206: (
        "文件名或扩展名太长",
        "Der Dateiname oder die Erweiterung ist zu lang",
        "Le nom de fichier ou l'extension est trop long",
    ),
}
_PHRASES = {phrase: ENGLISH[number] for number, phrases in _SAID.items() for phrase in phrases}
_ANY = pattern("|".join(re.escape(phrase) for phrase in sorted(_PHRASES, key=len, reverse=True)))


def english(line: str) -> str:
    """The line with Windows' own words as an English Windows says them; a number without known words gets them."""
    said = _ANY.sub(lambda found: _PHRASES[found[0]], line) if not line.isascii() or "Zugriff" in line or "Das " in line else line
    numbered = _NUMBERED.search(said)
    message = ENGLISH.get(int(numbered[1])) if numbered else None
    if numbered and message and message.lstrip("%1 ")[:20] not in said:
        return f"{said[: numbered.end()]}{message}. {said[numbered.end() :]}"
    return said
