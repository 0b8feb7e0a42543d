def write_report(folder):
    folder.write_bytes("report.html", b"stub")
